import Tenant

/// What somebody wants of the control socket, as far as it matters for whether he may.
package enum ControlAction: Hashable, Sendable {
  /// A document over all tenants; a tenant's user gets his own part of it.
  case readAll
  case read(tenant: String)
  case answer(tenant: String)
  /// A verb of `looop` on the tenant's data dir, as the tenant's user.
  case verb(tenant: String)
  /// A look at a worker's work, or bringing it home: what the tenant's user could do in the repository as well.
  case work(tenant: String)
  /// What changes the fleet: pause, freeze, kill, raise, reload, prune.
  case operate(tenant: String?)
  /// Figures over all tenants.
  case metrics
}

/// Who may do what: `ops` everything; `concierge` read, answer, wait; a tenant's user the same for his own tenants; others
/// nothing. Pure, and asked before anything is looked up, so that a refusal tells nothing about what exists.
package enum Access {
  package static func refusal(_ action: ControlAction, by caller: Caller) -> FleetRefusal? {
    if caller.roles.contains(.ops) { return nil }
    let isConcierge = caller.roles.contains(.concierge)
    switch action {
    case .readAll:
      return isConcierge || caller.roles.contains(.tenant) ? nil : stranger(caller)
    case .read(let tenant), .answer(let tenant):
      if isConcierge || caller.tenants.contains(tenant) { return nil }
      return caller.roles.isEmpty ? stranger(caller) : notYours(caller, tenant)
    case .verb(let tenant), .work(let tenant):
      if caller.tenants.contains(tenant) { return nil }
      return caller.roles.isEmpty ? stranger(caller) : notYours(caller, tenant)
    case .metrics:
      return isConcierge ? nil : onlyFor(caller, "read the fleet's metrics", group: RoleBook.conciergeGroup)
    case .operate:
      return onlyFor(caller, "do this", group: RoleBook.opsGroup)
    }
  }

  private static func stranger(_ caller: Caller) -> FleetRefusal {
    FleetRefusal(
      .permissionDenied, "\(caller.user) has no role in this fleet",
      hint: "an administrator can add \(caller.user) to the group \(RoleBook.conciergeGroup) or \(RoleBook.opsGroup)")
  }

  private static func notYours(_ caller: Caller, _ tenant: String) -> FleetRefusal {
    FleetRefusal(
      .permissionDenied, "tenant \(Display.line(tenant)) is not \(caller.user)'s",
      hint: "members of \(RoleBook.conciergeGroup) may read and answer for every tenant")
  }

  private static func onlyFor(_ caller: Caller, _ what: String, group: String) -> FleetRefusal {
    FleetRefusal(
      .permissionDenied, "\(caller.user) may not \(what)", hint: "use sudo, or be a member of the group \(group)")
  }
}

extension Caller {
  /// Whether this tenant's rows are his to see.
  package func sees(_ tenant: String) -> Bool {
    roles.contains(.ops) || roles.contains(.concierge) || tenants.contains(tenant)
  }

  var seesAll: Bool { roles.contains(.ops) || roles.contains(.concierge) }
}

extension FleetDocument {
  /// A tenant's user sees his own rows, and totals over them: what others spend is not his business.
  package func visible(to caller: Caller) -> FleetDocument {
    guard !caller.seesAll else { return self }
    var document = self
    document.tenants = tenants.filter { caller.sees($0.name) }
    document.asksPending = document.tenants.reduce(0) { $0 + $1.asksPending }
    document.spentToday = document.tenants.reduce(0) { $0 + ($1.budget?.usd.spent ?? 0) }
    (document.budget, document.budgetNote) = (nil, nil)
    // Their words name other tenants, and what ops have to do.
    document.guards = guards.map { state in
      let words =
        switch state.level {
        case .enforced: "it holds for every tenant"
        case .weaker: "it holds in part, or for some tenants only"
        case .absent: "it is not there"
        }
      return Guard(name: state.name, level: state.level, detail: words)
    }
    document.workers.live = document.tenants.reduce(0) { $0 + $1.workers.live }
    document.workers.pending = document.tenants.reduce(0) { $0 + $1.workers.pending }
    return document
  }
}
