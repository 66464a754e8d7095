import Dispatch
import Glibc
import SystemPackage
import Tenant

/// Tries every guard once on a child that should not get through, so that what `status` says is what was seen and not what the
/// host claims: when the fleet starts, all of them at once, for each mostly waits.
package struct GuardProbe: Sendable {
  package enum Finding: Hashable, Sendable {
    case holds
    /// It was tried, and the child got through, or the trial itself failed.
    case broken(String)
  }

  private let looop: FilePath
  /// The supervisor's, and what a tenant is given.
  private let ours: HostEnvironment
  private let environment: HostEnvironment
  private let groups: ControlGroups
  private let policy: ConfinementPolicy
  private let tenant: ConfinedTenant

  package init(_ options: Confinement.Options, groups: ControlGroups, policy: ConfinementPolicy) {
    looop = options.looop
    self.groups = groups
    self.policy = policy
    // Nobody's user, and a data dir that is never looked at.
    let nobody = TenantUser(name: "nobody", uid: 65534, gid: 65534, groups: [65534], home: nil)
    let user = policy.offer.isRoot ? nobody : TenantUser.current(HostEnvironment([:]))
    tenant = ConfinedTenant(name: "probe-\(getpid())", dataDirectory: "/tmp", user: user)
    // What a tenant gets from a supervisor with a secret of its own.
    var ours = options.environment
    ours[Self.canary] = "secret"
    self.ours = ours
    environment = TenantEnvironment.environment(
      for: .helper(tenant), supervisor: ours, looop: looop, socket: options.socket,
      ownUser: policy.switchesUser(tenant))
  }

  private static let canary = "LOOOP_PROBE_SECRET"

  package func run() -> [String: Finding] {
    let findings = Locked<[String: Finding]>([:])
    let all = DispatchGroup()
    for trial in trials {
      all.enter()
      Threads.start {
        let found = trial()
        findings.withLock { $0.merge(found) { _, latest in latest } }
        all.leave()
      }
    }
    all.wait()
    if policy.offer.controlGroups.hasGroups { groups.remove(.tenant(tenant.name)) }
    return findings.withLock { $0 }
  }

  private var trials: [@Sendable () -> [String: Finding]] {
    var trials: [@Sendable () -> [String: Finding]] = [process, { ["landlock": landlock()] }]
    if Bubblewrap.problem() == nil { trials.append { ["bubblewrap": bubblewrap()] } }
    let offer = policy.offer.controlGroups
    guard offer.hasGroups else { return trials }
    trials.append { ["cgroup": killing()] }
    if offer.processes != nil { trials.append { ["pids": processes()] } }
    if offer.memory != nil { trials.append { ["memory": memory()] } }
    if offer.cpu != nil { trials.append { ["cpu": cpu()] } }
    return trials
  }

  /// User, groups, umask, new privileges, limits and environment, as a child sees them in itself.
  private func process() -> [String: Finding] {
    // A command line that is readable is one that is not hidden.
    let script =
      "cat /proc/self/status; umask; ulimit -Hc; env; cat /proc/\(getpid())/cmdline >/dev/null && echo SEEN; :"
    guard let said = text(of: run(script, spec(.helper(tenant)))) else {
      return Dictionary(
        uniqueKeysWithValues: ["user", "no_new_privileges", "resource_limits", "environment"].map {
          ($0, .broken("the trampoline does not run"))
        })
    }
    let lines = said.split(separator: "\n").map { String($0) }
    func field(_ name: String) -> [String] {
      lines.first { $0.hasPrefix("\(name):") }?.split(whereSeparator: \.isWhitespace).dropFirst().map(String.init) ?? []
    }
    func expect(_ holds: Bool, _ why: String) -> Finding { holds ? .holds : .broken(why) }
    var findings = [
      "no_new_privileges": expect(field("NoNewPrivs") == ["1"], "the child may gain privileges"),
      "resource_limits": expect(lines.contains("0"), "the child may write core files"),
      "environment": expect(foreign(lines).isEmpty, "the child has variables of ours: \(foreign(lines))"),
    ]
    if policy.switchesUser(tenant) {
      let uid = [String](repeating: "65534", count: 4)
      let isNobody = field("Uid") == uid && field("Gid") == uid && field("Groups") == ["65534"]
      let isBare =
        field("CapEff").allSatisfy { $0.allSatisfy { $0 == "0" } } && lines.contains { Int($0, radix: 8) == 0o77 }
      findings["user"] = expect(isNobody && isBare, "the child kept rights of ours")
      findings["proc"] = expect(!lines.contains("SEEN"), "a child could read our command line")
    }
    return findings
  }

  /// Names of variables that the child has and was not given: the canary, or whatever we run with ourselves.
  private func foreign(_ lines: [String]) -> String {
    lines.compactMap { line in
      let name = line.prefix { $0 != "=" }
      guard name.count < line.count else { return nil }
      let wasGiven = environment.values[String(name)] != nil || Self.shells.contains(String(name))
      return name == Self.canary || ours.values[String(name)] != nil && !wasGiven ? String(name) : nil
    }.sorted().joined(separator: ", ")
  }

  /// What a shell sets by itself.
  private static let shells: Set<String> = ["PWD", "OLDPWD", "SHLVL", "_"]

  private func landlock() -> Finding {
    guard policy.offer.landlockABI >= LandlockSupport.leastABI else { return .broken("this kernel does not offer it") }
    var spec = spec(.helper(tenant))
    // `/` can be listed by everybody, and no rule allows it.
    spec.landlock = .init(
      rules: LandlockPolicy.system.map { .init($0, .read) } + LandlockPolicy.modified.map { .init($0, .modify) },
      scopedSockets: false)
    let outcome = run("ls /usr >/dev/null && ! ls / >/dev/null 2>&1 && ! ls /tmp >/dev/null 2>&1", spec)
    return outcome.reason.succeeded ? .holds : .broken("a child could list what it must not see\(words(outcome))")
  }

  /// As a tenant's user, who gained nothing: a process of its own alone in its `/proc`, and no foreign directory.
  private func bubblewrap() -> Finding {
    var boxed = tenant
    boxed.runnerHome = "/tmp"
    let script = "[ $$ -le 9 ] && [ ! -e /root ] && ! ls /home 2>/dev/null | grep -q . && ls /usr >/dev/null"
    let words = Bubblewrap.words(for: boxed, looop: looop, tools: policy.tools) + ["/bin/sh", "-c", script]
    let outcome = run(words, spec(.helper(tenant)), deadline: 5)
    return outcome.reason.succeeded ? .holds : .broken("bwrap does not work for a plain user\(self.words(outcome))")
  }

  private func killing() -> Finding {
    let group = ControlGroup.worker("kill", of: tenant.name)
    return inGroup(group, ResourceCaps()) {
      // The one who is left has a session of its own and hears no signal.
      let outcome = run(
        "trap '' TERM HUP; setsid sh -c \"trap '' TERM HUP; exec sleep 60\" & exit 0", spec(.helper(tenant), group))
      guard outcome.reason.succeeded else { return .broken("a child could not join\(words(outcome))") }
      guard groups.isPopulated(group) == true else { return .broken("what a child left behind is not in its group") }
      return end(group) ? .holds : .broken("a killed group is still there")
    }
  }

  private func processes() -> Finding {
    let group = ControlGroup.worker("pids", of: tenant.name)
    return inGroup(group, ResourceCaps(processes: 4)) {
      let outcome = run("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done", spec(.helper(tenant), group))
      _ = end(group)
      // The shell says that it cannot fork, and gives up.
      return outcome.reason.succeeded ? .broken("a child could start as many as it liked") : .holds
    }
  }

  private func memory() -> Finding {
    let group = ControlGroup.worker("memory", of: tenant.name)
    // No more than it takes: on a slow or busy host the trial must come to its end in time.
    return inGroup(group, ResourceCaps(memoryBytes: 16 << 20)) {
      let outcome = run("head -c 40M /dev/zero | tail -c 32M >/dev/null", spec(.helper(tenant), group), deadline: 15)
      if groups.memoryKills(group) > 0 { return .holds }
      return .broken(
        outcome.reason == .timedOut
          ? "the trial came to no end in 15 s" : "a child could use more memory than its limit")
    }
  }

  private func cpu() -> Finding {
    let group = ControlGroup.worker("cpu", of: tenant.name)
    return inGroup(group, ResourceCaps(cpus: 0.1)) {
      let child = DispatchGroup()
      child.enter()
      Threads.start {
        _ = run("while :; do :; done", spec(.helper(tenant), group), deadline: 1)
        child.leave()
      }
      // Over as soon as the kernel has counted once: at the end of the first tenth of a second that it worked in.
      while child.wait(timeout: .now() + .milliseconds(5)) == .timedOut, groups.throttlings(group) == 0 {}
      _ = end(group)
      child.wait()
      return groups.throttlings(group) > 0 ? .holds : .broken("a child was not held back at its limit")
    }
  }

  private func inGroup(_ group: ControlGroup, _ caps: ResourceCaps, _ body: () -> Finding) -> Finding {
    do throws(HostError) {
      try groups.create(group, caps: caps)
    } catch {
      return .broken("\(error)")
    }
    defer {
      _ = end(group)
      groups.remove(group)
    }
    return body()
  }

  /// Kills a group of the probe's and waits until it is empty: some milliseconds, at most two seconds.
  private func end(_ group: ControlGroup) -> Bool {
    for _ in 0..<400 {
      // A failed kill shows in the group that stays populated.
      try? groups.kill(group)
      if groups.isPopulated(group) == false { return true }
      usleep(5000)
    }
    return false
  }

  private func spec(_ work: ConfinedWork, _ group: ControlGroup? = nil) -> ConfineSpec {
    var spec = policy.spec(for: work, groups: group.map { groups.memberFiles(of: $0) } ?? [])
    // The probe's user has no directories, and needs none.
    spec.make = []
    spec.directory = "/"
    spec.landlock = nil
    return spec
  }

  private func run(_ script: String, _ spec: ConfineSpec, deadline: Double = 5) -> RunOutcome {
    run(["/bin/sh", "-c", script], spec, deadline: deadline)
  }

  private func run(_ command: [String], _ spec: ConfineSpec, deadline: Double) -> RunOutcome {
    var spawn = Spawn(
      looop, ["_", "confine", spec.json.compact, "--"] + command,
      environment: environment, directory: "/")
    spawn.newSession = true
    return BoundedRun(spawn, deadline: deadline).run()
  }

  private func text(of outcome: RunOutcome) -> String? {
    outcome.reason.succeeded ? String(decoding: outcome.output, as: UTF8.self) : nil
  }

  private func words(_ outcome: RunOutcome) -> String {
    let line = String(decoding: outcome.errors, as: UTF8.self).split(separator: "\n").last
    return line.map { " (\($0))" } ?? ""
  }
}
