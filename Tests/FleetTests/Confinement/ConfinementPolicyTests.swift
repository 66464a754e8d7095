import Fleet
import SystemPackage
import Tenant
import Testing

private func tenant(uid: UInt32 = 1001, _ change: (inout ConfinedTenant) -> Void = { _ in }) -> ConfinedTenant {
  let user = TenantUser(name: "alice", uid: uid, gid: 1001, groups: [27, 1001], home: "/home/alice")
  var tenant = ConfinedTenant(name: "web", dataDirectory: "/srv/web", user: user)
  tenant.sandboxes = "/var/lib/looop-fleet/sandboxes/web"
  change(&tenant)
  return tenant
}

private func policy(isRoot: Bool = true, abi: Int = 7, pids: ControlGroupOffer.Version? = .v2) -> ConfinementPolicy {
  ConfinementPolicy(
    offer: HostOffer(
      isRoot: isRoot, landlockABI: abi,
      controlGroups: ControlGroupOffer(hasGroups: true, memory: .v2, cpu: .v2, processes: pids)),
    tools: ["/opt/looop/bin"])
}

@Suite struct ConfinementPolicyTests {
  private static let works: [ConfinedWork] = [
    .beat(tenant()), .helper(tenant()), .worker(tenant(), id: "w1"), .git(tenant()),
  ]

  @Test(arguments: works) func `everything of a tenant is held to its user, its groups and no new privileges`(
    _ work: ConfinedWork
  ) {
    let spec = policy().spec(for: work, groups: ["/sys/fs/cgroup/x/cgroup.procs"])
    #expect(spec.identity == .init(uid: 1001, gid: 1001, groups: [27, 1001]))
    #expect(spec.umask == 0o077)
    #expect(spec.noNewPrivileges && spec.newSession && spec.undumpable)
    #expect(spec.controlGroups == ["/sys/fs/cgroup/x/cgroup.procs"])
    #expect(spec.limits.contains(.init(.core, soft: 0, hard: 0)))
    #expect(spec.landlock != nil)
    #expect(spec.parentDeathSignal == nil && spec.keep.isEmpty)
    #expect(spec.make.contains("/home/alice/.looop-fleet/web/tmp"))
  }

  @Test func `git works in the sandboxes, all else in the data dir`() {
    #expect(policy().spec(for: .git(tenant()), groups: []).directory == "/var/lib/looop-fleet/sandboxes/web")
    #expect(policy().spec(for: .beat(tenant()), groups: []).directory == "/srv/web")
    #expect(policy().spec(for: .git(tenant { $0.sandboxes = nil }), groups: []).directory == "/srv/web")
  }

  @Test(arguments: [
    (true, UInt32(1001), 7, LandlockChoice.automatic, true, true),
    (true, 1001, 7, .off, true, false),
    (true, 1001, 1, .on, true, false),
    (true, 1001, 0, .automatic, true, false),
    (true, 0, 7, .automatic, false, false),
    (false, 1001, 7, .automatic, false, false),
    (false, 1001, 7, .on, false, true),
  ]) func `who changes users and who gets Landlock`(
    _ row: (isRoot: Bool, uid: UInt32, abi: Int, choice: LandlockChoice, switches: Bool, locked: Bool)
  ) {
    let spec = policy(isRoot: row.isRoot, abi: row.abi)
      .spec(for: .beat(tenant(uid: row.uid) { $0.landlock = row.choice }), groups: [])
    #expect((spec.identity != nil) == row.switches)
    #expect((spec.landlock != nil) == row.locked)
  }

  @Test func `without the pids controller a limit a user is the net, and only for a user of its own`() {
    func limits(_ isRoot: Bool, _ pids: ControlGroupOffer.Version?) -> Bool {
      policy(isRoot: isRoot, pids: pids).spec(for: .beat(tenant()), groups: []).limits.contains {
        $0.resource == .processes
      }
    }
    #expect(limits(true, nil))
    #expect(!limits(true, .v1))
    #expect(!limits(false, nil))
  }

  @Test
  func
    `Landlock opens what the tenant works in, and its home only to read, and not where tenants share it`()
  {
    func writable(_ tenant: ConfinedTenant) -> [FilePath] {
      policy().spec(for: .beat(tenant), groups: []).landlock!.rules.filter { $0.access == .write }.map(\.path)
    }
    let own = tenant {
      $0.repositories = ["/srv/git/web.git"]
      $0.writable = ["/srv/cache"]
    }
    #expect(
      writable(own) == [
        "/dev/shm", "/srv/web", "/home/alice/.looop-fleet/web", "/var/lib/looop-fleet/sandboxes/web",
        "/srv/git/web.git", "/srv/cache",
      ])
    func readsHome(_ tenant: ConfinedTenant) -> Bool {
      policy().spec(for: .beat(tenant), groups: []).landlock!.rules.contains(.init("/home/alice", .read))
    }
    #expect(readsHome(own) && !readsHome(tenant { $0.sharesUser = true }))
    let rules = policy().spec(for: .beat(tenant()), groups: []).landlock!.rules
    for hidden: FilePath in ["/", "/home", "/var", "/var/lib/looop-fleet", "/run", "/tmp", "/root", "/srv"] {
      #expect(!rules.contains { $0.path == hidden })
    }
  }

  @Test func `a user without a home keeps its runners below the data dir`() {
    let homeless = tenant { $0.user.home = nil }
    #expect(homeless.resolvedRunnerHome == "/srv/web/.runner")
    #expect(tenant { $0.runnerHome = "/x/y" }.temporaryDirectory == "/x/y/tmp")
  }
}

@Suite struct ConfineSpecTests {
  @Test func `a spec comes back from its text as it was`() throws {
    var spec = policy().spec(for: .worker(tenant(), id: "w"), groups: ["/sys/fs/cgroup/a/cgroup.procs"])
    spec.limits.append(.init(.fileSize, soft: .max, hard: .max))
    spec.parentDeathSignal = 15
    spec.expectedParent = 77
    spec.keep = [5, 9]
    #expect(try ConfineSpec(json: JSON(parsing: spec.json.compact)) == spec)
    #expect(try ConfineSpec(json: JSON(parsing: ConfineSpec().json.compact)) == ConfineSpec())
  }

  @Test(arguments: ConfineSpec().json.object!.keys.sorted()) func `a missing key is an error, not a guard less`(
    _ key: String
  ) {
    var json = ConfineSpec().json
    json[key] = nil
    #expect(throws: ConfineSpecError(key: key)) { try ConfineSpec(json: json) }
  }

  @Test(arguments: [
    ("v", JSON.int(2)), ("umask", JSON.string("077")), ("umask", JSON.int(-1)), ("no_new_privileges", JSON.int(1)),
    ("control_groups", JSON.array(["relative"])), ("directory", JSON.string("")), ("keep", JSON.array(["3"])),
    ("more", JSON.bool(true)),
  ]) func `a key of another kind is an error`(_ key: String, _ value: JSON) {
    var json = ConfineSpec().json
    json[key] = value
    #expect(throws: ConfineSpecError(key: key)) { try ConfineSpec(json: json) }
  }
}

@Suite struct TenantEnvironmentTests {
  private func environment(_ work: ConfinedWork, ownUser: Bool = true) -> HostEnvironment {
    let supervisor = HostEnvironment([
      "PATH": "/opt/secret/bin:/usr/bin", "ANTHROPIC_API_KEY": "sk", "LANG": "de_DE.UTF-8", "LD_PRELOAD": "/x.so",
      "HTTPS_PROXY": "http://me:pw@proxy:3128", "HTTP_PROXY": "http://proxy:3128", "CREDENTIALS_DIRECTORY": "/run/c",
      "NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "1", "SSH_AUTH_SOCK": "/run/agent", "HOME": "/root",
    ])
    return TenantEnvironment.environment(
      for: work, supervisor: supervisor, looop: "/usr/bin/looop", socket: "/run/looop-fleet/fleet.sock",
      ownUser: ownUser)
  }

  @Test func `the environment is exactly the list`() {
    #expect(
      environment(.beat(tenant())).entries == [
        "CARGO_HOME=/home/alice/.looop-fleet/web/cache/cargo", "CLAUDE_CODE_TMPDIR=/home/alice/.looop-fleet/web/tmp",
        "CLAUDE_CONFIG_DIR=/home/alice/.looop-fleet/web/claude",
        "CODEX_HOME=/home/alice/.looop-fleet/web/codex", "GOPATH=/home/alice/.looop-fleet/web/cache/go",
        "GRADLE_USER_HOME=/home/alice/.looop-fleet/web/cache/gradle", "HOME=/home/alice",
        "HTTP_PROXY=http://proxy:3128",
        "LANG=de_DE.UTF-8", "LOGNAME=alice", "LOOOP_BIN=/usr/bin/looop", "LOOOP_DATA_DIR=/srv/web",
        "LOOOP_FLEET_SOCKET=/run/looop-fleet/fleet.sock", "LOOOP_TENANT=web",
        "PATH=/home/alice/.local/bin:/usr/local/bin:/usr/bin:/bin",
        "PI_CODING_AGENT_DIR=/home/alice/.looop-fleet/web/pi", "SHELL=/bin/bash",
        "TEMP=/home/alice/.looop-fleet/web/tmp", "TMP=/home/alice/.looop-fleet/web/tmp",
        "TMPDIR=/home/alice/.looop-fleet/web/tmp", "USER=alice", "XDG_CACHE_HOME=/home/alice/.looop-fleet/web/cache",
        "XDG_DATA_HOME=/home/alice/.looop-fleet/web/data", "XDG_STATE_HOME=/home/alice/.looop-fleet/web/state",
        "npm_config_cache=/home/alice/.looop-fleet/web/cache/npm",
      ])
  }

  @Test func `a worker is marked, and a plain user keeps the PATH that is theirs`() {
    #expect(environment(.worker(tenant(), id: "w1"))["LOOOP_WORKER"] == "w1")
    #expect(environment(.beat(tenant()), ownUser: false)["PATH"] == "/opt/secret/bin:/usr/bin")
  }

  @Test(arguments: [
    "LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "SWIFT_BACKTRACE", "BASH_ENV", "LOOOP_DATA_DIR", "A=B", "",
  ])
  func `an operator cannot set what would run code in the trampoline`(_ name: String) {
    let values = environment(.beat(tenant { $0.environment = [name: "/evil", "OPENAI_API_KEY": "own"] })).values
    #expect(!values.values.contains("/evil"))
    #expect(values["OPENAI_API_KEY"] == "own")
  }
}
