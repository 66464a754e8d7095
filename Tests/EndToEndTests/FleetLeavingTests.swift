import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What leaves a fleet goes back to its owner, and what is frozen in it neither runs nor holds up others.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetLeavingTests {
  /// A decider that tells that it is at work, and takes its time.
  private static func makeSlow(_ name: String, in fleet: FleetUnderTest, seconds: Double, yaml: String = "") throws {
    try fleet.makeTenant(name, yaml: yaml)
    // In small steps: a sleep goes on while it is frozen.
    try fleet.scratch.write(
      #"""
      {"tick_command": "cat >/dev/null; echo x >>decides; for i in $(seq \#(Int(seconds * 10))); do sleep 0.1; done; printf '{\"action\":\"noop\"}' > .decision.json", "worker_command": "bash {{prompt_file}}"}
      """#, to: "tenants/\(name)/config.json")
  }

  private static func decides(_ name: String, in fleet: FleetUnderTest) -> Int {
    FileReading.of(fleet.dataDir(name).root.appending("decides")).text?.count { $0 == "\n" } ?? 0
  }

  private static func ignoresBrokenPipes(_ status: String?) -> Bool? {
    let line = status?.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
    return line.flatMap { UInt64($0.dropFirst(7).filter(\.isHexDigit), radix: 16) }
      .map { $0 & (1 << UInt64(SIGPIPE - 1)) != 0 }
  }

  @Test func `a removed tenant is its owner's again, and one whose fleet is gone says what to do`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant(
      "web", sensors: ["signals": "#!/bin/sh\ncat /proc/self/status >\"$LOOOP_DATA_DIR/seen\"; echo '{\"signal\":1}'\n"]
    )
    try fleet.makeTenant("stay")
    try fleet.start()
    for name in ["web", "stay"] {
      #expect(try eventually(within: 20) { try fleet.phase(name) == "running" }, "\(fleet.log)")
    }
    let seen = fleet.dataDir("web").root.appending("seen")
    #expect(eventually(within: 20) { Self.ignoresBrokenPipes(FileReading.of(seen).text) == false })
    let pid = try #require(fleet.pid)
    #expect(Self.ignoresBrokenPipes(FileReading.of(FilePath("/proc/\(pid)/status")).text) == true)
    let refused = try fleet.looop("web", "down")
    #expect(refused.exitCode == 1 && refused.errors.contains("looop-fleet freeze web"), "\(refused.errors)")

    AtomicFile.remove(fleet.scratch.appending("etc/tenants.d/web.yaml"))
    #expect(try fleet.run("reload").exitCode == 0)
    #expect(FileReading.of(fleet.dataDir("web").fleetMark) == .absent, "\(fleet.log)")
    let up = try fleet.looop("web", "up")
    #expect(up.exitCode == 0, "\(up.errors)")
    #expect(try fleet.looop("web", "down").exitCode == 0)

    fleet.killSupervisor()
    let left = try fleet.looop("stay", "up")
    #expect(left.exitCode == 1)
    #expect(left.errors.contains("no fleet answers at") && left.errors.contains(".fleet.json"), "\(left.errors)")
  }

  @Test func `a decide that is frozen for longer than its deadline leaves its place to others and ends after the thaw`()
    throws
  {
    let fleet = try FleetUnderTest(interval: "600s", fleet: "  max_beats: 1\n  max_decides: 1\n")
    try Self.makeSlow(
      "ice", in: fleet, seconds: 1.5, yaml: "environment: { LOOOP_TICK_TIMEOUT_SECS: \"\(Int(Self.deadline))\" }\n")
    try fleet.start()
    #expect(eventually(within: 20) { Self.decides("ice", in: fleet) == 1 }, "\(fleet.log)")
    #expect(try fleet.run("freeze", "ice").exitCode == 0)
    let frozen = HostClock.system.monotonic()
    try Self.makeSlow("web", in: fleet, seconds: 0.1)
    #expect(try fleet.run("reload").exitCode == 0)
    #expect(eventually(within: 20) { Self.decides("web", in: fleet) == 1 }, "\(fleet.log)")
    #expect(Self.decides("ice", in: fleet) == 1)
    let asked = try RunningProcess.run(
      "/usr/bin/curl",
      [
        "-s", "--unix-socket", fleet.scratch.appending("state/fleet.sock").string, "-H",
        "Content-Type: application/json",
        "-d", #"{"arguments":["state"]}"#, "http://fleet/v1/tenants/ice/verb",
      ])
    #expect(asked.output.contains("looop-fleet thaw ice"), "\(asked.output)\(asked.errors)")
    #expect(eventually(within: 20) { HostClock.system.monotonic() > frozen + Self.deadline })
    #expect(try fleet.run("thaw", "ice").exitCode == 0)
    let isSettled = try eventually(within: 20) {
      let decides = try fleet.tenant("ice")?["budget"]?["decides"]
      return decides?["spent"]?.int == 1 && decides?["reserved"]?.int == 0
    }
    #expect(isSettled, "\(fleet.log)")
    #expect(try fleet.phase("ice") == "running")
    #expect(try fleet.tenant("ice")?["last_beat"]?["outcome"]?.string == "noop")
  }

  /// Of the frozen runner, in seconds: two of the freeze count at most.
  private static let deadline = 5.0

  @Test func `an edit during a decide is looked at right after it, not after the interval`() throws {
    let fleet = try FleetUnderTest(interval: "600s")
    try Self.makeSlow("web", in: fleet, seconds: 1)
    try fleet.start()
    #expect(eventually(within: 20) { Self.decides("web", in: fleet) == 1 }, "\(fleet.log)")
    try fleet.scratch.write("Another goal.\n", to: "tenants/web/goals/other.md")
    #expect(eventually(within: 20) { Self.decides("web", in: fleet) == 2 }, "\(fleet.log)")
  }
}
