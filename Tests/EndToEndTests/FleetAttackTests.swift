import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The matrix: two tenants attack a third and the supervisor of a running fleet, one under Landlock and one without, and a fourth
/// looks on. Each attack is judged twice: by what the attacker got, and by how the victim and the fleet are afterwards.
@Suite(
  .serialized, .timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "needs root: tenants of four Unix users"))
struct FleetAttackTests {
  static let users = ["a": "looopat1", "b": "looopat2", "c": "looopat3", "d": "looopat4"]

  /// Runs each of `attacks/*.sh` of the worker's own data dir and keeps what it said.
  private static let driver = #"""
    cd "$LOOOP_DATA_DIR"; mkdir -p results
    one() { mkdir -p "work/$1"; cd "work/$1"; timeout -k 1 30 /bin/bash "../../attacks/$1.sh" </dev/null >"../../results/$1" 2>&1; true; }
    export -f one
    ls attacks | sed -n "s/^\($SET-.*\)\.sh$/\1/p" | xargs -P "$TOGETHER" -I NAME bash -c 'one NAME'
    touch "results/$SET-done"
    """#

  private func place(
    _ attacks: [TenantAttack], _ set: String, in fleet: FleetUnderTest, _ tenant: String, _ places: [String: String],
    together: Int = 1, before: String = ""
  ) throws {
    let exports = exports(places, of: tenant, in: fleet) + before
    for (number, attack) in attacks.enumerated() {
      try fleet.scratch.write(
        exports + attack.script + "\n", to: "tenants/\(tenant)/attacks/\(set)-\(100 + number).sh", mode: 0o644)
    }
    for folder in ["attacks", "results", "work"] {
      try Directory.create(fleet.dataDir(tenant).root.appending(folder))
      try UnixUsers.give(fleet.dataDir(tenant).root.appending(folder), to: Self.users[tenant]!)
    }
    try fleet.wish(set, of: tenant, as: Self.users[tenant]!, "export SET=\(set) TOGETHER=\(together)\n" + Self.driver)
  }

  private func exports(_ places: [String: String], of tenant: String, in fleet: FleetUnderTest) -> String {
    FleetAttacks.prelude + "export A=\(tenant) D='\(fleet.dataDir(tenant).root)'\n"
      + places.map { "export \($0)='\($1)'\n" }.sorted().joined()
  }

  /// With none of the guards: as the tenant's user, but nobody of the fleet's has started it, or closed or limited anything before.
  private func runBeside(
    _ attack: TenantAttack, as tenant: String, in fleet: FleetUnderTest, _ places: [String: String]
  ) throws -> String {
    let script = try fleet.scratch.write(
      exports(places, of: tenant, in: fleet) + attack.script, to: "beside.sh", mode: 0o644)
    let ran = try RunningProcess.shell(
      """
      ulimit -Hc unlimited; exec 7<"$FLEET/ledger.sqlite"; cd '\(fleet.dataDir(tenant).root)/work'
      exec /usr/sbin/runuser -u \(Self.users[tenant]!) -- /bin/bash '\(script)'
      """, environment: places.merging(["FLEET_SECRET": "supervisor-secret", "BASH_ENV": "/dev/null"]) { $1 })
    return ran.output + ran.errors
  }

  private func result(_ number: Int, _ set: String, of tenant: String, in fleet: FleetUnderTest) -> String? {
    fleet.scratch.read("tenants/\(tenant)/results/\(set)-\(100 + number)")
  }

  private func isDone(_ set: String, _ tenant: String, _ fleet: FleetUnderTest) -> Bool {
    fleet.scratch.exists("tenants/\(tenant)/results/\(set)-done")
  }

  /// All that must be as before, as one text.
  private func picture(of fleet: FleetUnderTest, _ places: [String: String]) throws -> String {
    try RunningProcess.shell(
      """
      exec 2>&1
      find '\(places["B_HOME"]!)' '\(places["B_TREE"]!)' '\(fleet.repository("b"))' '\(fleet.scratch.appending("etc"))' \
        -not -name '*.lock' -printf '%p %m %U %y %s %l\\n' | sort
      cat '\(places["B_DATA"]!)'/secret '\(fleet.scratch.appending("etc"))'/tenants.d/* '\(places["B_DATA"]!)'/config.json
      ls -lA '\(places["B_DATA"]!)'/answers '\(places["B_DATA"]!)'/asks | grep -v total
      cat /proc/\(places["B_PID"]!)/oom_score_adj; ps -o pid=,nice=,user=,args= -p \(places["B_PID"]!),\(places["FLEET_PID"]!)
      ls /etc/ld.so.preload; hostname; cat /proc/sys/kernel/pid_max
      """
    ).output
  }

  @Test func `every attack on another tenant and on the fleet is denied, and beats stay on time`() throws {
    let users = try UnixUsers(Self.users.values.sorted())
    let fleet = try FleetUnderTest()
    for name in ["a", "c"] {
      try fleet.makeRepository(name)
      try fleet.makeTenant(
        name,
        yaml: """
          user: \(Self.users[name]!)
          budget: { usd_per_day: 5 }
          workers: { memory_max: 512M, pids_max: 256 }
          repos: { \(name): \(fleet.repository(name)) }
          landlock: \(name == "c" ? "off" : "auto")

          """)
    }
    for name in ["b", "d"] {
      try fleet.makeWorkingTenant(name, yaml: "user: \(Self.users[name]!)\nbudget: { usd_per_day: 5 }\n")
      try fleet.scratch.write(BeatTimes.sensor, to: "tenants/\(name)/sensors/beats.sh", mode: 0o755)
      try fleet.scratch.write("secret-of-\(name)\n", to: "tenants/\(name)/secret", mode: 0o600)
    }
    for (name, user) in Self.users {
      chmod(fleet.dataDir(name).root.string, 0o700)
      try UnixUsers.give(fleet.dataDir(name).root, to: user)
      try UnixUsers.give(fleet.repository(name), to: user)
    }
    let suid = fleet.scratch.appending("id")
    _ = try RunningProcess.shell("cp /usr/bin/id '\(suid)' && chmod 4755 '\(suid)'")
    let secret = try fleet.scratch.write("for everybody\n", to: "open-secret", mode: 0o644)
    // Whoever starts a supervisor by hand has keys in the keyring of the login.
    let keys = (fleet.scratch.appending("fleet-key"), fleet.scratch.appending("tenants/b/key"))
    let keyring = try fleet.scratch.write(FleetAttacks.keyring, to: "keyring.py")
    try fleet.start(
      with: ["FLEET_SECRET": "supervisor-secret", "ANTHROPIC_API_KEY": "sk-supervisor"],
      under: ["/usr/bin/python3", keyring.string, keys.0.string])
    try #require(
      try eventually(within: 40) { try fleet.ask("b/mend-1") != nil && fleet.ask("d/mend-1") != nil }, "\(fleet.log)")

    let victim = try #require(try fleet.worker("b", "mend")?["pid"]?.int.map { Int32($0) })
    let identity = try #require(ProcessIdentity.of(victim))
    let supervisor = try #require(fleet.pid.flatMap(ProcessIdentity.of))
    let home = "/home/\(Self.users["b"]!)"
    let runner = "\(home)/.looop-fleet/b"
    try #require(try RunningProcess.shell("echo login >'\(runner)/claude/credentials'").exitCode == 0)
    try UnixUsers.give(FilePath("\(runner)/claude/credentials"), to: Self.users["b"]!)
    let shop = try fleet.scratch.write(FleetAttacks.shop, to: "shop.py", mode: 0o644)
    let number = try RunningProcess.run("/usr/bin/id", ["-u", Self.users["b"]!]).output.filter(\.isNumber)
    let shopkeeper = try RunningProcess(
      "/usr/sbin/runuser", ["-u", Self.users["b"]!, "--", "/usr/bin/python3", shop.string, number, keys.1.string])
    defer { _ = try? RunningProcess.shell(FleetAttacks.closing, environment: ["B_UID": number]) }
    try #require(eventually(within: 10) { fleet.scratch.exists("tenants/b/key") }, "\(shopkeeper.errors)")

    let places = [
      "B_DATA": fleet.dataDir("b").root.string, "B_HOME": home, "B_TMP": "\(runner)/tmp", "B_PID": "\(victim)",
      "B_UID": number, "B_KEY": try #require(fleet.scratch.read("tenants/b/key")),
      "FLEET_KEY": try #require(fleet.scratch.read("fleet-key")), "SHOP": shop.string,
      "B_REPO": fleet.repository("b").string, "B_TREE": try #require(try fleet.worker("b", "mend")?["sandbox"]?.string),
      "FLEET": fleet.scratch.appending("state").string, "FLEET_PID": "\(supervisor.pid)", "SECRET": secret.string,
      "SOCKET": fleet.scratch.appending("state/fleet.sock").string, "ETC": fleet.scratch.appending("etc").string,
      "SUID": suid.string,
    ]
    let before = try picture(of: fleet, places)
    let beats = BeatTimes(fleet.dataDir("b"))
    let begun = BeatTimes.now

    // What is denied.
    let attacks = TenantAttack.all + FleetAttacks.denied + FleetAttacks.kernel + FleetAttacks.allowed
    let hasLandlock = LandlockSupport.abi >= LandlockSupport.scopeABI
    for tenant in ["a", "c"] { try place(attacks, "deny", in: fleet, tenant, places, together: 4) }
    #expect(
      eventually(within: 120, every: 50) { isDone("deny", "a", fleet) && isDone("deny", "c", fleet) }, "\(fleet.log)")
    var denials = 0
    for tenant in ["a", "c"] {
      for (number, attack) in attacks.enumerated() {
        let said = result(number, "deny", of: tenant, in: fleet)
        // Without Landlock what only Landlock stops comes through: that is the proof that it is not the attack that is at fault.
        let isAllowed =
          number >= attacks.count - FleetAttacks.allowed.count || attack.needsLandlock && tenant == "c"
        if attack.needsLandlock, tenant == "a", !hasLandlock { continue }
        #expect(
          said?.contains("GOT") == isAllowed, "\(tenant) \(attack.name): \(said ?? "it never ran")")
        if !isAllowed { denials += 1 }
      }
    }
    #expect(denials >= 180)
    let after = try picture(of: fleet, places)
    #expect(after == before)
    #expect(identity.isAlive && supervisor.isAlive)
    #expect(try fleet.ask("b/mend-1") != nil && fleet.ask("d/mend-1") != nil)
    for name in ["a", "b", "c", "d"] {
      #expect(try fleet.phase(name) == "running")
      #expect(try fleet.tenant(name)?["budget"]?["usd"]?["cap"]?.double == 5)
    }
    #expect(beats.worst(since: begun) < Self.patience, "\(beats.lateness(since: begun))")

    // Each of these gets through where it may, so it is the guards that stopped it above.
    let onItself = attacks.filter(\.worksOnItself)
    try place(onItself, "itself", in: fleet, "c", places, together: 2, before: FleetAttacks.itself)
    #expect(eventually(within: 120, every: 50) { isDone("itself", "c", fleet) }, "\(fleet.log)")
    for (number, attack) in onItself.enumerated() {
      let said = result(number, "itself", of: "c", in: fleet)
      #expect(said?.contains("GOT") == true, "on itself: \(attack.name): \(said ?? "it never ran")")
    }
    let beside = attacks.filter(\.worksBeside)
    for attack in beside {
      let said = try runBeside(attack, as: "c", in: fleet, places)
      #expect(said.contains("GOT"), "beside the fleet: \(attack.name): \(said)")
    }
    #expect(onItself.count >= 40 && beside.count >= 5)
    let afterwards = try picture(of: fleet, places)
    #expect(afterwards == before)

    // What works, and is its own trouble only.
    let troubled = BeatTimes.now
    var slowest = 0.0
    try place(FleetAttacks.troubles, "own", in: fleet, "c", places)
    #expect(
      try eventually(within: 120, every: 100) {
        slowest = max(slowest, try fleet.run("status", "--json").seconds)
        return isDone("own", "c", fleet)
      }, "\(fleet.log)")
    #expect(slowest < Self.patience)
    #expect(beats.worst(since: troubled) < Self.patience, "\(beats.lateness(since: troubled))")
    let end = try picture(of: fleet, places)
    #expect(end == before)
    #expect(identity.isAlive && supervisor.isAlive)
    // The places that it claims do not keep others' workers waiting.
    try fleet.wish("late", of: "d", as: Self.users["d"]!, "true")
    #expect(try eventually(within: 20) { try fleet.worker("d", "late")?["phase"]?.string == "exited" }, "\(fleet.log)")
    // And the victim goes on as if nothing had been.
    #expect(try fleet.run("answer", "b/mend-1", "yes").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.worker("b", "mend")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(
      try fleet.git("b", "-c", "safe.directory=*", "log", "--format=%s", "-1", "looop/mend").output
        == "the second line\n")
    _ = users
  }

  /// Seconds of lateness that two attackers with a processor each may cost on a machine of two.
  private static let patience = 4.0
}
