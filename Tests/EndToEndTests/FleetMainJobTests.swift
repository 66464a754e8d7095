import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The main job, played with the built binaries from outside.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FleetMainJobTests {
  static let root: FilePath = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent()

  @Test func `the demo plays through unattended and every claim holds`() throws {
    let played = try RunningProcess.run(
      Self.root.appending("deploy/demo/demo"), ["--script", "--bin", BuiltProducts.directory.string], within: 180)
    #expect(played.exitCode == 0, "\(played.output)\n\(played.errors)")
    #expect(played.output.contains("all claims hold"))
  }

  @Test func `a killed supervisor stops no worker and loses no ask, and an answer reaches its worker meanwhile`() throws
  {
    let fleet = try FleetUnderTest()
    try fleet.makeWorkingTenant("web")
    try fleet.makeWorkingTenant("api")
    // A sensor that takes its time: one beat is in flight at the kill.
    try fleet.makeTenant("slow", sensors: ["slow": "#!/bin/sh\nsleep 3; echo '{\"signal\":1}'"])
    try fleet.start()
    #expect(try eventually(within: 30) { try fleet.ask("web/mend-1") != nil && fleet.ask("api/mend-1") != nil })
    let before = try ["web", "api"].map { try #require(try fleet.worker($0, "mend")?["pid"]?.int) }
    #expect(try eventually(within: 10) { (try fleet.status()["fleet"]?["beats_in_flight"]?.int ?? 0) > 0 })

    fleet.killSupervisor()
    #expect(try fleet.run("status").exitCode == 3)
    for pid in before { #expect(kill(pid_t(pid), 0) == 0) }
    let answered = try fleet.looop("web", "_", "answer", "mend-1", "yes")
    #expect(answered.exitCode == 0, "\(answered.errors)")
    #expect(eventually(within: 10) { FileReading.of(fleet.dataDir("web").reports.appending("mend")).text == "yes\n" })

    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.worker("api", "mend")?["phase"]?.string == "running" })
    #expect(try fleet.worker("api", "mend")?["pid"]?.int == before[1])
    #expect(try fleet.asks().map { $0["id"]?.string } == ["api/mend-1"])
    #expect(try eventually(within: 20) { try fleet.worker("web", "mend")?["phase"]?.string == "exited" })
    #expect(try fleet.git("web", "log", "--format=%s", "looop/mend").output == "the second line\none\n")
    #expect(try fleet.run("answer", "api/mend-1", "yes").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.git("api", "log", "--format=%s", "looop/mend").output.hasPrefix("the") })
    #expect(try eventually(within: 20) { try fleet.phase("slow") == "running" })
  }

  @Test func `documents have exactly the keys of the interface, and the socket serves the same`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeWorkingTenant("web")
    try fleet.start()
    #expect(try eventually(within: 30) { try fleet.ask("web/mend-1") != nil })
    let status = try fleet.status()
    func keys(_ json: JSON?) -> [String] { (json?.object ?? [:]).keys.sorted() }
    #expect(keys(status) == ["fleet", "tenants"])
    #expect(
      keys(status["fleet"]) == [
        "asks_pending", "beats_in_flight", "budget", "budget_note", "decides_in_flight", "guards", "isolation", "pid",
        "uptime_s", "usd_today",
        "version", "workers",
      ])
    #expect(keys(status["fleet"]?["workers"]) == ["live", "max", "pending"])
    #expect(keys(status["fleet"]?["guards"]?.array?.first) == ["detail", "enforced", "hint", "level", "name"])
    let tenant = status["tenants"]?.array?.first
    #expect(
      keys(tenant) == [
        "asks", "budget", "cpu", "data_dir", "disk_bytes", "last_beat", "limits", "memory_bytes", "name",
        "next_beat_at",
        "occupied_bytes", "phase", "processes", "reason", "sandboxes", "user", "workers",
      ])
    #expect(keys(tenant?["last_beat"]) == ["at", "duration_ms", "outcome"])
    #expect(keys(tenant?["budget"]) == ["day", "decides", "resets_at", "state", "tokens", "usd"])
    #expect(keys(tenant?["budget"]?["usd"]) == ["cap", "reserved", "spent"])
    #expect(keys(tenant?["asks"]) == ["oldest_s", "pending"])
    #expect(
      keys(try fleet.asks().first) == [
        "age_s", "ask_id", "at", "goal", "id", "irreversible", "options", "prompt", "reference", "tenant", "worker",
        "worker_alive",
      ])
    #expect(
      keys(try fleet.workers().first) == [
        "branch", "exit_code", "health", "id", "phase", "pid", "position", "reason", "sandbox", "started_at", "tenant",
        "usd",
      ])
    let socket = fleet.scratch.appending("state/fleet.sock").string
    let served = try RunningProcess.run(
      "/usr/bin/curl", ["-s", "--unix-socket", socket, "http://fleet/v1/status"]
    ).json
    #expect(keys(served) == keys(status) && keys(served?["fleet"]) == keys(status["fleet"]))
    #expect(served?["tenants"]?.array?.first?["name"]?.string == "web")
    #expect(try fleet.run("answer", "web/none-1", "yes").exitCode == 5)
    #expect(try fleet.run("answer", "web/mend-1", "no").exitCode == 0)
    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 4)
    #expect(try fleet.run("status", "--nonsense").exitCode == 64)
  }

  @Test func `a data dir of looop 1 runs as a tenant unchanged`() throws {
    let fleet = try FleetUnderTest()
    try fleet.scratch.write("Judge well.\n", to: "tenants/old/PLAYBOOK.md")
    try fleet.scratch.write("Ship it.\n", to: "tenants/old/goals/ship.md")
    try fleet.scratch.write(
      "#!/bin/sh\necho '{\"signal\":{\"n\":1}}'\n", to: "tenants/old/sensors/n.sh", mode: 0o755)
    try fleet.scratch.write(
      #"""
      {"tick_command": "cat >/dev/null; printf '{\"action\":\"write_goal\",\"id\":\"made\",\"body\":\"by the tick\"}' > .decision.json", "worker_command": "bash {{prompt_file}}"}
      """#, to: "tenants/old/config.json")
    try fleet.configure("old")
    try fleet.start()
    #expect(
      eventually(within: 30) { FileReading.of(fleet.dataDir("old").goal("made")).text == "by the tick\n" },
      "\(fleet.log)")
    #expect(try fleet.phase("old") == "running")
    #expect(FileReading.of(fleet.dataDir("old").goal("ship")).text == "Ship it.\n")
  }

  @Test func `broken tenants are named with their reason and delay nobody`() throws {
    let fleet = try FleetUnderTest()
    for name in ["well-1", "well-2"] {
      try fleet.makeTenant(name, sensors: ["x": "#!/bin/sh\necho '{\"signal\":1}'\n"])
    }
    try fleet.makeTenant("broken")
    try fleet.scratch.write("{ not json", to: "tenants/broken/config.json")
    try fleet.configure("missing")
    try fleet.makeTenant("foreign")
    let lock = fleet.dataDir("foreign")
    try Directory.create(lock.lockDirectory)
    guard let held = try FileLock.tryTaking(lock.pulseLock) else { throw TestFailure("the lock is taken") }
    try fleet.makeTenant("hangs", sensors: ["hang": "#!/bin/sh\nsleep 600\n"])
    try fleet.scratch.write(
      "data_dir: \(fleet.scratch.path)/tenants/typo\nintervall: 5s\n", to: "etc/tenants.d/typo.yaml")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("well-1") == "running" && fleet.phase("well-2") == "running" })
    #expect(try eventually(within: 20) { try fleet.phase("missing") == "degraded" })
    #expect(try fleet.tenant("missing")?["reason"]?.string?.contains("no such file") == true)
    #expect(try fleet.phase("foreign") == "foreign")
    #expect(try fleet.tenant("foreign")?["reason"]?.string?.contains("lock") == true)
    #expect(
      try eventually(within: 20) { try fleet.tenant("broken")?["reason"]?.string?.contains("config.json") == true })
    #expect(try fleet.phase("typo") == "degraded")
    let reason = try fleet.tenant("typo")?["reason"]?.string ?? ""
    #expect(reason.contains("tenants.d/typo.yaml:2") && reason.contains("interval"))
    #expect(try eventually(within: 30) { try fleet.tenant("hangs")?["reason"]?.string?.contains("sensor") == true })
    // The well ones beat on, each second.
    let first = try #require(try fleet.tenant("well-1")?["last_beat"]?["at"]?.int)
    #expect(try eventually(within: 10) { (try fleet.tenant("well-1")?["last_beat"]?["at"]?.int ?? 0) >= first + 3 })
    #expect(try fleet.run("status").exitCode == 1)
    _ = consume held
    #expect(try eventually(within: 20) { try fleet.phase("foreign") == "running" })
  }

  @Test func `as a plain user, status says that tenants are not isolated from each other`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web")
    try fleet.start()
    #expect(try fleet.status()["fleet"]?["isolation"]?.string == "shared")
    #expect(try fleet.run("status").output.contains("not isolated from each other"))
  }
}
