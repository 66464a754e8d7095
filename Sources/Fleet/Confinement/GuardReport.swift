import Tenant

/// What is told about each guard: from the policy, and from the probe where it ran. Pure.
package enum GuardReport {
  /// The worst case over all tenants is what is reported: a guard that one tenant lacks is no guard of the fleet.
  package static func states(
    policy: ConfinementPolicy, tenants: [ConfinedTenant], probe: [String: GuardProbe.Finding],
    bubblewrapProblem: String? = nil
  ) -> [GuardState] {
    let planned = [
      user(policy, tenants), environment(policy, tenants), noNewPrivileges, limits(policy, tenants), group(policy),
      memory(policy, tenants), cpu(policy, tenants), processes(policy, tenants), landlock(policy, tenants),
      processView(policy, tenants), bubblewrap(tenants, bubblewrapProblem),
    ].compactMap { $0 }
    return planned.map { state in
      guard state.level != .absent, case .broken(let why)? = probe[state.name] else { return state }
      // What was tried and did not hold is worth nothing, whatever the host claims to offer.
      return GuardState(state.name, .absent, "tried at the start and not enforced: \(why)", hint: state.hint)
    }
  }

  private static func user(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    guard policy.offer.isRoot else {
      return GuardState(
        "user", .absent, "tenants share one user and are not isolated from each other",
        hint: "run the fleet as root and give each tenant a user: looop-fleet tenant add NAME --create-user")
    }
    let rooted = tenants.filter { $0.user.uid == 0 }.map(\.name).sorted()
    if !rooted.isEmpty {
      return GuardState(
        "user", .absent, "\(list(rooted)) run as root and are not isolated from anything",
        hint: "set `user:` in tenants.d/\(rooted[0]).yaml")
    }
    let shared = tenants.filter(\.sharesUser).map(\.name).sorted()
    if !shared.isEmpty {
      return GuardState(
        "user", .weaker, "\(list(shared)) share a user and are not isolated from each other",
        hint: "give each tenant a `user:` of its own")
    }
    return GuardState("user", .enforced, "every tenant runs as its own user, with its own groups and umask 077")
  }

  private static func environment(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    if policy.offer.isRoot, tenants.allSatisfy({ policy.switchesUser($0) && !$0.sharesUser }) {
      return GuardState("environment", .enforced, "allow-listed, with a runner home and a TMPDIR for each tenant")
    }
    return GuardState(
      "environment", .weaker, "allow-listed, but processes of the same user can read each other's",
      hint: "give each tenant a `user:` of its own")
  }

  private static let noNewPrivileges = GuardState(
    "no_new_privileges", .enforced, "set-user-id programs give a tenant nothing")

  private static func limits(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    GuardState("resource_limits", .enforced, "no core files, 16384 open files a process")
  }

  private static func group(_ policy: ConfinementPolicy) -> GuardState {
    let offer = policy.offer.controlGroups
    guard offer.hasGroups else {
      return GuardState(
        "cgroup", .weaker,
        "\(offer.reason ?? "no control groups here"): what a worker leaves behind is looked for by ancestry, session and environment, and on the control socket an agent cannot be told from its user",
        hint: "run the fleet as root on a host with cgroup v2, or as a systemd user service with Delegate=yes")
    }
    guard policy.offer.isRoot else {
      return GuardState(
        "cgroup", .weaker, "a group for each tenant and worker, but the tenants' own user may leave them",
        hint: "run the fleet as root")
    }
    return GuardState("cgroup", .enforced, "a group for each tenant and worker; stop kills the whole group")
  }

  private static func memory(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    // v1 has no switch that ends the whole group.
    let version = policy.offer.controlGroups.memory
    let detail =
      version == .v1
      ? "a worker that runs out of memory loses its biggest process, and nobody else does"
      : "a worker that runs out of memory is ended alone"
    return controller(
      "memory", version, detail, policy, unlimited: unlimited(tenants, \.memoryBytes), key: "memory_max: 4G",
      otherwise: "a worker can use all of the host's memory; it is the first to be ended when that runs out")
  }

  private static func cpu(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    controller(
      "cpu", policy.offer.controlGroups.cpu, "time is limited for each worker, or tenant", policy,
      unlimited: unlimited(tenants, \.cpus), key: "cpu: 2", otherwise: "a worker can use all processors")
  }

  private static func processes(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    if policy.offer.controlGroups.processes == nil, policy.offer.isRoot {
      return GuardState(
        "pids", .weaker, "\(ConfinementPolicy.processesPerUser) processes for each user, not for each worker",
        hint: "enable the pids controller for control groups")
    }
    return controller(
      "pids", policy.offer.controlGroups.processes,
      "the number of processes is limited for each worker, or tenant", policy,
      unlimited: unlimited(tenants, \.processes),
      key: "pids_max: 4096", otherwise: "a worker can use up the user's processes")
  }

  /// Whose workers have no limit that the guard could hold, each by itself or all with their tenant, and whether that is everybody.
  private static func unlimited<Limit>(
    _ tenants: [ConfinedTenant], _ limit: KeyPath<ResourceCaps, Limit?>
  ) -> (names: [String], all: Bool) {
    let names = tenants.filter { $0.worker[keyPath: limit] == nil && $0.total[keyPath: limit] == nil }.map(\.name)
      .sorted()
    return (names, !names.isEmpty && names.count == tenants.count)
  }

  private static func controller(
    _ name: String, _ version: ControlGroupOffer.Version?, _ detail: String, _ policy: ConfinementPolicy,
    unlimited: (names: [String], all: Bool), key: String, otherwise: String
  ) -> GuardState {
    guard let version else {
      return GuardState(
        name, .absent, otherwise, hint: "enable the \(name) controller for control groups, and run the fleet as root")
    }
    let words = "\(detail) (control groups \(version.rawValue))"
    // Without a limit there is nothing that it holds.
    if !unlimited.names.isEmpty {
      let setting = "`\(key.prefix { $0 != ":" })`"
      return GuardState(
        name, unlimited.all ? .absent : .weaker,
        unlimited.all
          ? "no \(setting) is set for workers of \(list(unlimited.names)): \(otherwise)"
          : "\(words); no \(setting) is set for workers of \(list(unlimited.names))",
        hint: "set `workers: { \(key) }` or `total: { \(key) }` there, or below `defaults:` in fleet.yaml")
    }
    return policy.offer.isRoot
      ? GuardState(name, .enforced, words) : GuardState(name, .weaker, "\(words); the tenants' own user may lift it")
  }

  private static func landlock(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    let abi = policy.offer.landlockABI
    guard abi >= LandlockSupport.leastABI else {
      return GuardState(
        "landlock", .absent, "this kernel does not offer it; Unix permissions alone separate the tenants' files",
        hint: "Linux 5.19 or later with landlock among its security modules (lsm=landlock,…)")
    }
    let without = tenants.filter { !policy.usesLandlock($0) }.map(\.name).sorted()
    if !without.isEmpty || tenants.isEmpty && !policy.offer.isRoot {
      return GuardState(
        "landlock", without.count == tenants.count ? .absent : .weaker,
        without.isEmpty ? "not used for tenants that share a user" : "not used for \(list(without))",
        hint: policy.offer.isRoot ? landlockHint(tenants, without) : "run the fleet as root and give each tenant a user"
      )
    }
    if abi < LandlockSupport.truncationABI {
      return GuardState(
        "landlock", .weaker, "files outside can still be truncated where permissions allow it",
        hint: "Linux 6.2 or later")
    }
    return GuardState(
      "landlock", .enforced,
      "a tenant opens its own files and the system's only, and writes where it works (ABI \(abi))")
  }

  private static func landlockHint(_ tenants: [ConfinedTenant], _ without: [String]) -> String? {
    guard let first = tenants.filter({ without.contains($0.name) }).min(by: { $0.name < $1.name }) else { return nil }
    return first.landlock == .automatic
      ? "set `user:` in tenants.d/\(first.name).yaml"
      : "set `landlock: auto` in tenants.d/\(first.name).yaml; codex's own sandbox works in `bubblewrap:`"
  }

  /// Command lines are open to everybody in a `/proc` that hides nobody, and agents get prompts in theirs.
  private static func processView(_ policy: ConfinementPolicy, _ tenants: [ConfinedTenant]) -> GuardState {
    guard policy.offer.isRoot, tenants.allSatisfy({ policy.switchesUser($0) && !$0.sharesUser }) else {
      return GuardState(
        "proc", .absent, "tenants of one user see each other's processes and their command lines",
        hint: "run the fleet as root and give each tenant a `user:` of its own")
    }
    guard policy.offer.hidesProcesses else {
      return GuardState(
        "proc", .absent, "every tenant can read all command lines of this host, prompts in them too", hint: procHint)
    }
    return GuardState(
      "proc", .enforced, "a tenant sees no other user's processes and command lines", hint: nil)
  }

  private static let procHint =
    "run it by its unit (ProtectProc=invisible), or: mount -o remount,hidepid=invisible /proc"

  /// Nothing is said about it where nobody wants it.
  private static func bubblewrap(_ tenants: [ConfinedTenant], _ problem: String?) -> GuardState? {
    let wanted = tenants.filter(\.bubblewrap).map(\.name).sorted()
    guard !wanted.isEmpty else { return nil }
    if let problem {
      return GuardState(
        "bubblewrap", .absent, "\(problem): no worker of \(list(wanted)) starts", hint: bubblewrapHint)
    }
    return GuardState(
      "bubblewrap", .enforced, "workers of \(list(wanted)) have a /proc, a /tmp and files of their own",
      hint: bubblewrapHint
    )
  }

  static let bubblewrapHint =
    "apt-get install bubblewrap, and allow user namespaces; or take `bubblewrap: true` out of the tenant's `workers:`"

  private static func list(_ names: [String]) -> String {
    names.count <= 3
      ? names.joined(separator: ", ") : "\(names.prefix(3).joined(separator: ", ")) and \(names.count - 3) more"
  }
}
