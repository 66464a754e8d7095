import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The real `claude` and `codex` as tenants with Unix users of their own, in a fleet that runs under what the systemd unit restricts
/// (as far as `deploy/systemd/imitate` can): a decide and a worker each, to the end.
@Suite(
  .serialized, .timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "needs root: tenants of two Unix users"),
  .enabled(
    if: RealAgents.areForEveryUser,
    "needs the real claude and codex where every user may run them (/opt), and a scripted model"),
  .enabled(
    if: access("/usr/bin/systemd-analyze", X_OK) == 0, "needs systemd-analyze: it knows the unit's lists of calls"))
struct RealAgentsUsersTests {
  static let users = ["claude": "looopra1", "codex": "looopra2"]

  @Test func `both decide and work to the end under the unit's hardening, each as its own user`() throws {
    let users = try UnixUsers(Self.users.values.sorted())
    let fleet = try FleetUnderTest(fleet: "  require: [user, environment, no_new_privileges]\n")
    let models = try [
      "claude": RealAgents.Model(fleet.scratch, rules: RealAgentsScript.rules),
      "codex": RealAgents.Model(fleet.scratch, rules: RealAgentsScript.rules),
    ]
    var claude = models["claude"]!.claudeEnvironment
    claude["ANTHROPIC_AUTH_TOKEN"] = claude.removeValue(forKey: "ANTHROPIC_API_KEY")
    let logins = [
      "claude": ("claude/settings.json", JSON.object(["env": .object(claude.mapValues(JSON.string))]).pretty),
      "codex": ("codex/config.toml", models["codex"]!.codexConfiguration),
    ]
    for (tenant, preset) in [("claude", Preset.claude), ("codex", Preset.codex)] {
      let user = Self.users[tenant]!
      try fleet.makeTenant(tenant, yaml: "user: \(user)\nreadable: [\(RealAgents.directory)]\n")
      let place = "tenants/\(tenant)"
      try fleet.scratch.write(RealAgentsScript.configuration(preset).pretty, to: "\(place)/config.json")
      try fleet.scratch.write(RealAgentsScript.goal + "\n", to: "\(place)/goals/goal.md")
      let file = FilePath("/home/\(user)/.looop-fleet/\(tenant)/\(logins[tenant]!.0)")
      try Directory.create(file.removingLastComponent(), mode: 0o700)
      try AtomicFile.write(logins[tenant]!.1, to: file)
      try UnixUsers.give(FilePath("/home/\(user)"), to: user)
      chmod(fleet.dataDir(tenant).root.string, 0o700)
      try UnixUsers.give(fleet.dataDir(tenant).root, to: user)
    }
    try fleet.start(under: [FleetHardeningTests.imitate.string])

    for (tenant, user) in Self.users {
      try #require(try eventually(within: 90) { try fleet.ask("\(tenant)/w1-1") != nil }, "\(tenant): \(fleet.log)")
      let pid = try #require(try fleet.worker(tenant, "w1")?["pid"]?.int)
      #expect(try FleetUsersTests.owner(of: pid) == user)
      let status = FileReading.of(FilePath("/proc/\(pid)/status")).text ?? ""
      // Inherited from the unit: its filter of system calls, and not one capability left to the tenant.
      for line in ["Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000"] {
        #expect(status.contains(line), "\(tenant): \(line)")
      }
      #expect(try fleet.run("answer", "\(tenant)/w1-1", "blue").exitCode == 0)
    }
    for (tenant, user) in Self.users {
      #expect(
        try eventually(within: 60) { try fleet.worker(tenant, "w1")?["phase"]?.string == "exited" },
        "\(tenant): \(fleet.log)")
      #expect(fleet.scratch.read("tenants/\(tenant)/reports/w1") == "blue\n")
      let owner = try RunningProcess.run(
        "/usr/bin/stat", ["-c", "%U %a", fleet.dataDir(tenant).root.appending("reports/w1").string])
      #expect(owner.output == "\(user) 600\n")
      #expect(try fleet.phase(tenant) == "running")
    }
    let guards = try fleet.status()["fleet"]?["guards"]?.array ?? []
    if LandlockSupport.abi >= 3 {
      #expect(guards.first { $0["name"]?.string == "landlock" }?["enforced"]?.bool == true, "\(guards)")
    }
    _ = users
  }
}
