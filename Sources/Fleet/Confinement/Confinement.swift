import CLinux
import Glibc
package import SystemPackage
package import Tenant

/// The supervisor's one door to confinement: what a tenant's process is started with, how it is stopped, what holds it. Decisions are
/// ``ConfinementPolicy``'s, groups are ``ControlGroups``', and the trampoline does the rest in the child.
package struct Confinement: Sendable {
  package struct Options: Sendable {
    /// The binary that has the trampoline. Root starts it, so nobody else may be able to write it.
    package var looop: FilePath
    /// The supervisor's own environment.
    package var environment: HostEnvironment
    /// The base group's name; two fleets on one host need two.
    package var controlGroup: String
    /// A group that was delegated to us, below the v2 mount.
    package var delegatedGroup: FilePath?
    /// The fleet's control socket.
    package var socket: FilePath?

    package init(looop: FilePath, environment: HostEnvironment, stateDirectory: FilePath, socket: FilePath? = nil) {
      self.looop = looop
      self.environment = environment
      self.socket = socket
      controlGroup = Self.groupName(stateDirectory: stateDirectory)
      delegatedGroup = environment["LOOOP_FLEET_CGROUP"].map { FilePath($0) }
    }

    /// The same for the same fleet after every restart, and another one for every other state directory.
    package static func groupName(stateDirectory: FilePath) -> String {
      if stateDirectory == "/var/lib/looop-fleet" { return "looop-fleet" }
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in stateDirectory.lexicallyNormalized().string.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      return "looop-fleet-" + String(hash, radix: 16)
    }
  }

  package let options: Options
  package let groups: ControlGroups
  package let policy: ConfinementPolicy
  let findings: [String: GuardProbe.Finding]

  /// - `probes`: try every guard on a child first (half a second); else what the host offers is believed.
  package init(_ options: Options, probes: Bool = true) {
    self.options = options
    let isRoot = geteuid() == 0
    groups = ControlGroups.open(name: options.controlGroup, delegated: options.delegatedGroup, isRoot: isRoot)
    let mounts = FileReading.of("/proc/self/mountinfo", maximumBytes: 4 << 20).text ?? ""
    let offer = HostOffer(
      isRoot: isRoot, landlockABI: LandlockSupport.abi, controlGroups: groups.offer,
      hidesProcesses: ProcessView.isHidden(mountinfo: mounts))
    policy = ConfinementPolicy(offer: offer, tools: [options.looop.removingLastComponent()])
    findings = probes ? GuardProbe(options, groups: groups, policy: policy).run() : [:]
  }

  /// The user that a tenant's `user:` names; without one the supervisor's own.
  package func user(named name: String?) throws(TenantUser.Failure) -> TenantUser {
    if let name { return try TenantUser.lookup(name) }
    return TenantUser.current(options.environment)
  }

  /// Makes a tenant's groups and its sandbox directory. Again after a changed configuration: limits follow.
  package func prepare(_ tenant: ConfinedTenant) throws {
    if !policy.offer.isRoot, tenant.user.uid != getuid() {
      throw ConfinementProblem(
        message: "tenant \(tenant.name) wants user \(tenant.user.name), and only root can change users",
        hint: "run looop-fleet as root, or leave out `user:`")
    }
    try groups.create(.tenant(tenant.name), caps: tenant.total)
    try groups.create(.beats(of: tenant.name), caps: tenant.beats.within(tenant.total))
    if let sandboxes = tenant.sandboxes { try own(sandboxes, by: tenant) }
  }

  /// Makes a worker's group. Again after a changed configuration: limits follow.
  package func prepare(worker id: String, of tenant: ConfinedTenant) throws(HostError) {
    try groups.create(.worker(id, of: tenant.name), caps: tenant.worker.within(tenant.total))
  }

  /// Limits that follow a changed configuration, on groups that are there.
  package func limitAnew(_ tenant: ConfinedTenant) throws(HostError) {
    guard groups.exists(.tenant(tenant.name)) else { return }
    try groups.create(.tenant(tenant.name), caps: tenant.total)
    if groups.exists(.beats(of: tenant.name)) {
      try groups.create(.beats(of: tenant.name), caps: tenant.beats.within(tenant.total))
    }
    for worker in groups.present()[tenant.name] ?? [] { try prepare(worker: worker, of: tenant) }
  }

  package func spec(for work: ConfinedWork) -> ConfineSpec {
    policy.spec(for: work, groups: groups.memberFiles(of: group(of: work)))
  }

  package func environment(for work: ConfinedWork) -> HostEnvironment {
    TenantEnvironment.environment(
      for: work, supervisor: options.environment, looop: options.looop, socket: options.socket,
      ownUser: policy.switchesUser(work.tenant))
  }

  /// The trampoline, ready to start: a verb of `looop` (`["beat", "--door"]`), or a program by its absolute path. Its group is
  /// made where it is not there: a stop has removed it, or it is a worker's first start.
  package func spawn(for work: ConfinedWork, _ command: [String]) throws(HostError) -> Spawn {
    let group = group(of: work)
    if !groups.exists(group) {
      // The tenant's own may have gone with it, and its limits.
      if !groups.exists(.tenant(work.tenant.name)) {
        try groups.create(.tenant(work.tenant.name), caps: work.tenant.total)
      }
      let caps = work.workerID == nil ? work.tenant.beats : work.tenant.worker
      try groups.create(group, caps: caps.within(work.tenant.total))
    }
    var spawn = Spawn(
      options.looop, ["_", "confine", spec(for: work).json.compact, "--"] + command,
      environment: environment(for: work),
      directory: "/")
    spawn.newSession = true
    return spawn
  }

  // MARK: Stopping

  /// Stops everything of a tenant: beats, helpers, workers. Start nothing of it meanwhile.
  /// - `leaders`: what its workers' sessions are held by, of use only where there are no control groups.
  package func stop(
    tenant: ConfinedTenant, leaders: [ProcessIdentity] = [], policy: StopLadder.Policy = StopLadder.Policy()
  ) async -> StopOutcome {
    await stop(.tenant(tenant.name), else: walk(tenant, leaders: leaders), policy)
  }

  /// Stops one worker with all that it started.
  package func stop(
    worker id: String, of tenant: ConfinedTenant, leaders: [ProcessIdentity] = [],
    policy: StopLadder.Policy = StopLadder.Policy()
  ) async -> StopOutcome {
    await stop(.worker(id, of: tenant.name), else: walk(tenant, worker: id, leaders: leaders), policy)
  }

  /// The processes of a tenant or of one of its workers where no group holds them. Which processes lead its sessions is the tenant's
  /// word: those of another user are not touched.
  package func walk(_ tenant: ConfinedTenant, worker: String? = nil, leaders: [ProcessIdentity]) -> ProcessWalk {
    let own = leaders.filter { ProcessWalk.owner(of: $0.pid) == tenant.user.uid }
    return ProcessWalk(tenant: tenant, worker: worker, roots: own)
  }

  private func stop(
    _ group: ControlGroup, else walk: ProcessWalk, _ policy: StopLadder.Policy
  ) async -> StopOutcome {
    guard groups.offer.hasGroups else { return await StopRun.run(walk, policy: policy) }
    return await stop(group, policy)
  }

  /// A stopped group is removed: a process that was started just before the stop, and has not joined yet, finds no group to join
  /// and ends. One that got in first keeps the group from being removed, and is killed. Ask for memory kills before.
  private func stop(_ group: ControlGroup, _ policy: StopLadder.Policy) async -> StopOutcome {
    var policy = policy
    var outcome = StopOutcome.alreadyGone
    for _ in 0..<Self.stopRounds {
      let round = await StopRun.run(ControlGroupTarget(groups: groups, group: group), policy: policy)
      if round != .alreadyGone { outcome = round }
      if !round.isGone || groups.remove(group) { break }
      policy.grace = 0
    }
    return outcome
  }

  /// How often latecomers are killed. A second round is rare; a third was never seen.
  private static let stopRounds = 10

  /// Whether anything of a worker lives; nil where there are no groups to tell.
  package func isPopulated(worker id: String, of tenant: String) -> Bool? {
    groups.isPopulated(.worker(id, of: tenant))
  }

  package func hasGroup(worker id: String, of tenant: String) -> Bool { groups.exists(.worker(id, of: tenant)) }

  /// Removes the empty groups of tenants and workers that are there (``ControlGroups/present()``) and not wanted any more; says who
  /// of the unwanted still lives.
  package func collect(
    _ present: [String: Set<String>], wanted: [String: Set<String>]
  ) -> (removed: [String], living: [String]) {
    var removed: [String] = []
    var living: [String] = []
    func drop(_ group: ControlGroup) {
      if groups.isPopulated(group) == false, groups.remove(group) {
        removed.append(group.description)
      } else {
        living.append(group.description)
      }
    }
    for (tenant, workers) in present.sorted(by: { $0.key < $1.key }) {
      guard let kept = wanted[tenant] else {
        drop(.tenant(tenant))
        continue
      }
      for worker in workers.subtracting(kept).sorted() { drop(.worker(worker, of: tenant)) }
    }
    return (removed, living)
  }

  // MARK: Looking

  package func usage(tenant: String) -> ControlGroupUsage? { groups.usage(.tenant(tenant)) }
  package func usage(worker id: String, of tenant: String) -> ControlGroupUsage? {
    groups.usage(.worker(id, of: tenant))
  }
  /// How many of a worker's processes the kernel ended for want of memory.
  package func memoryKills(worker id: String, of tenant: String) -> Int64 {
    groups.memoryKills(.worker(id, of: tenant))
  }

  package func guards(_ tenants: [ConfinedTenant]) -> [GuardState] {
    GuardReport.states(
      policy: policy, tenants: tenants, probe: findings, bubblewrapProblem: bubblewrapProblem)
  }

  private func group(of work: ConfinedWork) -> ControlGroup {
    switch work {
    case .worker(let tenant, let id): .worker(id, of: tenant.name)
    case .beat(let tenant), .helper(let tenant), .git(let tenant): .beats(of: tenant.name)
    }
  }

  /// A directory of the supervisor's that one tenant is given. Its parent is ours alone, so no name in it can be a tenant's trap;
  /// still it is opened without following a link, and what is given is what was opened.
  private func own(_ directory: FilePath, by tenant: ConfinedTenant) throws(HostError) {
    try Directory.create(directory.removingLastComponent(), mode: 0o711)
    try Directory.create(directory, mode: 0o700)
    guard policy.switchesUser(tenant) else { return }
    // Named, not read: under the unit's hardening root cannot open what is a tenant's already.
    let named = try OwnedDescriptor(
      opening: directory, clinux_open_path | O_DIRECTORY | O_NOFOLLOW, operation: "give away")
    guard clinux_give_away(named.raw, tenant.user.uid, tenant.user.gid) == 0 else {
      throw .last("give away", directory)
    }
  }
}

/// A tenant that cannot be confined as it is configured.
package struct ConfinementProblem: Error, Hashable, Sendable, CustomStringConvertible {
  package var message: String
  package var hint: String?
  package var description: String { message }
}
