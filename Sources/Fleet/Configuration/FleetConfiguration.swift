package import Tenant

/// A guard that the fleet puts around its tenants, by the name that `require:`, `status` and `doctor` use.
package enum GuardName: String, Sendable, CaseIterable {
  /// Every tenant has a Unix user of its own.
  case user
  /// Every tenant and every worker has a control group, so that stop means stopped.
  case cgroup
  case memory
  case cpu
  case pids
  case noNewPrivileges = "no_new_privileges"
  case landlock
  /// An allow-listed environment that no other tenant can read.
  case environment
  case resourceLimits = "resource_limits"
  /// `/proc` shows a tenant no other user's processes.
  case proc
}

/// `fleet.yaml`: what holds for the fleet as a whole.
package struct FleetConfiguration: Sendable, Hashable {
  /// Beats, decides and live workers at once, over all tenants.
  package var maximumBeats = 8
  package var maximumDecides = 4
  package var maximumWorkers = 16
  /// The whole fleet's day; beside it each tenant's own cap holds, and the tighter one binds.
  package var budget = BudgetCaps.none
  /// Whose midnight resets the fleet's day.
  package var zone: ZoneRules
  /// How long live workers may go on after their tenant's budget is spent.
  package var grace = Duration.seconds(600)
  /// How often live workers are metered from their transcripts.
  package var meterEvery = Duration.seconds(15)
  /// Guards that must be enforced, or `serve` does not start.
  package var required: Set<GuardName> = []
  package var hooks = Hooks()
  package var freeSpace = ByteSize(bytes: 1 << 30)
  /// The ports that sandboxes get theirs from.
  package var ports = 20_000...29_999
  /// Another price list over the shipped one.
  package var prices: PriceTable = .shipped
  package var defaults = TenantSettings()

  /// Where new asks go besides the mailbox.
  package struct Hooks: Sendable, Hashable {
    /// A program and its arguments; gets the ask as JSON on standard input.
    package var ask: [String] = []
    /// Gets the ask as JSON in a POST.
    package var webhook: String?
    /// Ages of an unanswered ask at which it is delivered again.
    package var reminders: [Duration] = []

    package init() {}
  }

  package init(zone: ZoneRules) { self.zone = zone }

  package var budgetRules: BudgetRules { BudgetRules(scope: .fleet, caps: budget, zone: zone) }
}
