package import SystemPackage
package import Tenant

/// What this host can enforce, found once at the start.
package struct HostOffer: Hashable, Sendable {
  /// Only root can change users.
  package var isRoot: Bool
  /// 0: no Landlock.
  package var landlockABI: Int
  package var controlGroups: ControlGroupOffer
  /// `/proc` shows a user no others' processes, or not what is in them.
  package var hidesProcesses: Bool

  package init(isRoot: Bool, landlockABI: Int, controlGroups: ControlGroupOffer, hidesProcesses: Bool = false) {
    self.hidesProcesses = hidesProcesses
    self.isRoot = isRoot
    self.landlockABI = landlockABI
    self.controlGroups = controlGroups
  }
}

/// From a tenant, a kind of work and what the host offers to what the process is held to. Pure: the trampoline does it, and
/// ``GuardReport`` tells about it.
package struct ConfinementPolicy: Hashable, Sendable {
  package var offer: HostOffer
  /// Directories of our own binaries.
  package var tools: [FilePath]

  package init(offer: HostOffer, tools: [FilePath]) {
    self.offer = offer
    self.tools = tools
  }

  /// Whether this tenant's processes change to a user of their own.
  package func switchesUser(_ tenant: ConfinedTenant) -> Bool { offer.isRoot && tenant.user.uid != 0 }

  package func usesLandlock(_ tenant: ConfinedTenant) -> Bool {
    guard offer.landlockABI >= LandlockSupport.leastABI else { return false }
    return switch tenant.landlock {
    case .automatic: switchesUser(tenant)
    case .on: true
    case .off: false
    }
  }

  /// - `groups`: the `cgroup.procs` files to join.
  ///
  /// Never with a parent-death signal: it follows the thread that started the process, and the supervisor's threads come and
  /// go. A beat notices a dead supervisor by its door; a worker is meant to outlive it.
  package func spec(for work: ConfinedWork, groups: [FilePath]) -> ConfineSpec {
    let tenant = work.tenant
    var spec = ConfineSpec()
    if switchesUser(tenant) {
      spec.identity = .init(uid: tenant.user.uid, gid: tenant.user.gid, groups: tenant.user.groups)
    }
    spec.umask = 0o077
    spec.controlGroups = groups
    spec.limits = limits(for: tenant)
    spec.noNewPrivileges = true
    spec.make = TenantEnvironment.directories(for: tenant)
    spec.directory = directory(for: work)
    spec.newSession = true
    spec.oomScore = oomScore(for: work)
    spec.undumpable = true
    // The kernel lets nobody mount inside Landlock, and bubblewrap's view is the narrower one.
    if usesLandlock(tenant), work.workerID == nil || !tenant.bubblewrap {
      spec.landlock = LandlockPolicy.rules(for: work, tools: tools, abi: offer.landlockABI)
    }
    return spec
  }

  private func directory(for work: ConfinedWork) -> FilePath {
    switch work {
    case .beat, .helper, .worker: work.tenant.dataDirectory
    case .git: work.tenant.sandboxes ?? work.tenant.dataDirectory
    }
  }

  /// When the whole host runs out of memory, workers go first, then beats; the supervisor's own protection is not inherited.
  private func oomScore(for work: ConfinedWork) -> Int {
    switch work {
    case .worker: 500
    case .beat, .git: 300
    case .helper: 100
    }
  }

  private func limits(for tenant: ConfinedTenant) -> [ConfineSpec.Limit] {
    var limits: [ConfineSpec.Limit] = [
      // A core file of an agent holds its keys.
      .init(.core, soft: 0, hard: 0),
      // 64 processes at the hard limit stay below a million, the usual size of the host's own table.
      .init(.openFiles, soft: 4096, hard: 16384),
      .init(.messageQueues, soft: 819_200, hard: 819_200),
      .init(.pendingSignals, soft: 4096, hard: 4096),
    ]
    if let largest = tenant.largestFile {
      limits.append(.init(.fileSize, soft: UInt64(clamping: largest), hard: UInt64(clamping: largest)))
    }
    // The limit counts all processes of the user, so it is of use only as the net below a missing group, for a user of its own.
    if switchesUser(tenant), offer.controlGroups.processes == nil {
      limits.append(.init(.processes, soft: Self.processesPerUser, hard: Self.processesPerUser))
    }
    return limits
  }

  package static let processesPerUser: UInt64 = 2048
}
