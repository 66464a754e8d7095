package import SystemPackage
package import Tenant

/// How much one control group may use. `nil` is no limit.
package struct ResourceCaps: Hashable, Sendable {
  package var memoryBytes: Int64?
  /// Whole processors' worth of time; 0.5 is half of one.
  package var cpus: Double?
  package var processes: Int?

  package init(memoryBytes: Int64? = nil, cpus: Double? = nil, processes: Int? = nil) {
    self.memoryBytes = memoryBytes
    self.cpus = cpus
    self.processes = processes
  }

  /// A group may use no more than the one that it lies in; v1 refuses a larger share of CPU time there.
  package func within(_ whole: ResourceCaps) -> ResourceCaps {
    func least<Amount: Comparable>(_ own: Amount?, _ whole: Amount?) -> Amount? {
      own.map { own in whole.map { min(own, $0) } ?? own }
    }
    return ResourceCaps(
      memoryBytes: least(memoryBytes, whole.memoryBytes), cpus: least(cpus, whole.cpus),
      processes: least(processes, whole.processes))
  }

  /// What all beats, sensors, runners and helpers of one tenant may use together where nothing else is said: enough for a
  /// runner and its tools, and too little to take a host down.
  package static let beats = ResourceCaps(memoryBytes: 4 << 30, cpus: nil, processes: 512)
}

/// A tenant as far as confinement goes: plain values, resolved before anything is decided.
package struct ConfinedTenant: Hashable, Sendable {
  package var name: String
  package var dataDirectory: FilePath
  package var user: TenantUser
  /// Another tenant runs as the same user: then the user's home is not this tenant's own.
  package var sharesUser = false
  /// The directory of its worktrees and private repositories; the supervisor makes it and gives it to the tenant.
  package var sandboxes: FilePath?
  /// Repositories that its worktrees belong to, or borrow from.
  package var repositories: [FilePath] = []
  /// What else it may read: tools that are installed in a place of their own.
  package var readable: [FilePath] = []
  /// What else it may write, as far as its user may.
  package var writable: [FilePath] = []
  /// Where its runners keep logins, transcripts and caches. nil: below the user's home, named for the tenant.
  package var runnerHome: FilePath?
  /// What the operator adds to the allow-listed environment.
  package var environment: [String: String] = [:]
  /// For all of it together, and what it leaves behind in memory (`/dev/shm`).
  package var total = ResourceCaps()
  /// No file of it grows beyond.
  package var largestFile: Int64?
  /// For each worker.
  package var worker = ResourceCaps()
  /// For beats and helpers together.
  package var beats = ResourceCaps.beats
  package var landlock = LandlockChoice.automatic
  /// Its workers run in a ``Bubblewrap``, which takes Landlock's place there.
  package var bubblewrap = false

  package init(name: String, dataDirectory: FilePath, user: TenantUser) {
    self.name = name
    self.dataDirectory = dataDirectory
    self.user = user
  }

  /// One directory a tenant, so that two tenants of one user do not share logins or histories.
  package var resolvedRunnerHome: FilePath {
    if let runnerHome { return runnerHome }
    guard let home = user.home else { return dataDirectory.appending(".runner") }
    return home.appending(".looop-fleet").appending(name)
  }

  package var temporaryDirectory: FilePath { resolvedRunnerHome.appending("tmp") }
}

/// What a process is started for. It decides the control group, the limits and where it works.
package enum ConfinedWork: Hashable, Sendable {
  case beat(ConfinedTenant)
  /// A short verb for the supervisor: report, hold, asks, answer …
  case helper(ConfinedTenant)
  case worker(ConfinedTenant, id: String)
  /// Work on a sandbox or a repository.
  case git(ConfinedTenant)

  package var tenant: ConfinedTenant {
    switch self {
    case .beat(let tenant), .helper(let tenant), .worker(let tenant, _), .git(let tenant): tenant
    }
  }

  package var workerID: String? { if case .worker(_, let id) = self { id } else { nil } }
}
