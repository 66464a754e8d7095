package import SystemPackage
package import Tenant

/// One tenant as the operator wants it: its own file over the fleet's defaults over the built-in ones.
package struct TenantConfiguration: Sendable, Hashable {
  package var id: TenantID
  package var dataDirectory: FilePath
  /// Unix user, a name or a number; nil: the supervisor's own.
  package var user: String?
  /// Between two beats.
  package var interval: Duration
  /// Its share of beats, decides and worker places beside the others'.
  package var weight: Int
  package var zone: ZoneRules
  /// By the name that a worker asks for it with.
  package var repositories: [String: FilePath]
  package var budget: BudgetCaps
  package var workers: WorkerLimits
  package var total: TenantTotal
  package var sandboxes: SandboxConfiguration
  /// No beats until the operator changes it here (`tenant pause` is another way, kept in the ledger).
  package var isPaused: Bool
  package var landlock: LandlockChoice
  /// Where its runners keep logins, transcripts and caches; nil: below its user's home.
  package var runnerHome: FilePath?
  /// What the operator adds to the allow-listed environment of all its processes.
  package var environment: [String: String]
  /// What else it may read under Landlock: tools in a place of their own.
  package var readable: [FilePath]
  /// What else it may write under Landlock, as far as its user may: caches in a place of their own, its user's home.
  package var writable: [FilePath]

  /// For one worker, except `maximum`.
  package struct WorkerLimits: Sendable, Hashable {
    /// Live workers; more are pending.
    package var maximum: Int
    package var memory: ByteSize?
    package var cpu: CPUShare?
    package var processes: Int?
    /// Each in a bubblewrap of its own.
    package var bubblewrap = false
  }

  package init(
    id: TenantID, dataDirectory: FilePath, settings: TenantSettings = TenantSettings(), zone: ZoneRules,
    repositories: [String: FilePath] = [:], runnerHome: FilePath? = nil
  ) {
    self.id = id
    self.dataDirectory = dataDirectory
    user = settings.user
    interval = settings.interval ?? Self.defaultInterval
    weight = settings.weight ?? 1
    self.zone = zone
    self.repositories = repositories
    budget = BudgetCaps(
      usd: settings.usdPerDay.value, tokens: settings.tokensPerDay.value, decides: settings.decidesPerDay.value)
    workers = WorkerLimits(
      maximum: settings.maximumWorkers ?? Self.defaultWorkers, memory: settings.memory.value, cpu: settings.cpu.value,
      // Nothing that an agent does in earnest needs more, and a fork bomb takes no host down.
      processes: settings.processes == .unset ? Self.defaultProcesses : settings.processes.value,
      bubblewrap: settings.bubblewrap ?? false)
    total = TenantTotal(settings.total)
    sandboxes = SandboxConfiguration(settings.sandboxes)
    isPaused = settings.isPaused ?? false
    landlock = settings.landlock ?? .automatic
    environment = settings.environment
    readable = settings.readable ?? []
    writable = settings.writable ?? []
    self.runnerHome = runnerHome
  }

  package static let defaultInterval = Duration.seconds(60)
  package static let defaultWorkers = 4
  package static let defaultProcesses = 4096

  /// What the ledger counts this tenant's money by.
  package var budgetRules: BudgetRules { BudgetRules(scope: .tenant(id), caps: budget, zone: zone) }
}

/// A limit in one file: not mentioned, lifted (`none`), or set. "Lifted" is what lets a tenant's file undo a default.
package enum LimitSetting<Value: Sendable & Hashable>: Sendable, Hashable {
  case unset
  case none
  case value(Value)

  package var value: Value? { if case .value(let value) = self { value } else { nil } }

  func over(_ lower: LimitSetting) -> LimitSetting { self == .unset ? lower : self }
}

/// The keys that a tenant's file and `defaults:` share, as one of them says them.
package struct TenantSettings: Sendable, Hashable {
  package var user: String?
  package var interval: Duration?
  package var weight: Int?
  package var timeZone: ZoneRules?
  package var usdPerDay = LimitSetting<MicroUSD>.unset
  package var tokensPerDay = LimitSetting<Int64>.unset
  package var decidesPerDay = LimitSetting<Int64>.unset
  package var maximumWorkers: Int?
  package var memory = LimitSetting<ByteSize>.unset
  package var cpu = LimitSetting<CPUShare>.unset
  package var processes = LimitSetting<Int>.unset
  package var bubblewrap: Bool?
  package var total = TotalSettings()
  package var sandboxes = SandboxSettings()
  package var isPaused: Bool?
  package var landlock: LandlockChoice?
  package var environment: [String: String] = [:]
  package var readable: [FilePath]?
  package var writable: [FilePath]?

  package init() {}

  /// These settings where they say something, else the lower ones.
  package func over(_ lower: TenantSettings) -> TenantSettings {
    var merged = self
    merged.user = user ?? lower.user
    merged.interval = interval ?? lower.interval
    merged.weight = weight ?? lower.weight
    merged.timeZone = timeZone ?? lower.timeZone
    merged.usdPerDay = usdPerDay.over(lower.usdPerDay)
    merged.tokensPerDay = tokensPerDay.over(lower.tokensPerDay)
    merged.decidesPerDay = decidesPerDay.over(lower.decidesPerDay)
    merged.maximumWorkers = maximumWorkers ?? lower.maximumWorkers
    merged.memory = memory.over(lower.memory)
    merged.cpu = cpu.over(lower.cpu)
    merged.processes = processes.over(lower.processes)
    merged.bubblewrap = bubblewrap ?? lower.bubblewrap
    merged.total = total.over(lower.total)
    merged.sandboxes = sandboxes.over(lower.sandboxes)
    merged.isPaused = isPaused ?? lower.isPaused
    merged.landlock = landlock ?? lower.landlock
    // Name by name: a tenant's file adds to what all have.
    merged.environment = lower.environment.merging(environment) { _, own in own }
    merged.readable = readable ?? lower.readable
    merged.writable = writable ?? lower.writable
    return merged
  }
}
