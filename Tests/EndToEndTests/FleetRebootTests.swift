import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// After a reboot the pids in the records are somebody else's: nobody is adopted, nobody is killed, and what ops ordered holds.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetRebootTests {
  /// A running worker on record whose process is `stranger`, alive, as it was before the last boot.
  private func record(_ id: String, _ stranger: ProcessIdentity, in fleet: FleetUnderTest, _ tenant: String) throws {
    let process: JSON = [
      "pid": .int(Int64(stranger.pid)), "start_time": .int(stranger.startTime),
      "boot_id": .string("00000000-0000-4000-8000-000000000000"),
    ]
    let place = "tenants/\(tenant)"
    let worker: JSON = [
      "v": 1, "id": .string(id), "phase": "running", "requested_at": 1000, "started_at": 1000,
      "generation": .string("1-1-\(id)"),
      "process": process,
    ]
    var meta: JSON = [
      "id": .string(id), "cmd": ["bash"], "babysit_pid": .int(Int64(stranger.pid)),
      "started_at": "2026-01-01T00:00:00Z",
    ]
    meta["start_time"] = process["start_time"]
    meta["boot_id"] = process["boot_id"]
    let status: JSON = ["state": "running", "child_pid": .int(Int64(stranger.pid)), "exit_code": .null]
    try fleet.scratch.write(worker.pretty, to: "\(place)/workers/\(id).json")
    try fleet.scratch.write(meta.pretty, to: "\(place)/sessions/\(id)/meta.json")
    try fleet.scratch.write(status.pretty, to: "\(place)/sessions/\(id)/status.json")
  }

  @Test func `pids of an earlier boot are neither adopted nor killed`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web")
    let process = try RunningProcess("/bin/sleep", ["300"])
    let stranger = try #require(ProcessIdentity.of(process.pid))
    try record("old", stranger, in: fleet, "web")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    #expect(try eventually(within: 20) { try fleet.worker("web", "old")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(try fleet.status()["fleet"]?["workers"]?["live"]?.int == 0)
    #expect(try fleet.run("worker", "kill", "web/old").exitCode == 1)
    // The same id again: what its predecessor left on record is cleared away, and the stranger is not part of it.
    #expect(try fleet.looop("web", "_", "worker", "start", "old", "sleep 300").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "old")?["phase"]?.string == "running" }, "\(fleet.log)")
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    #expect(stranger.isAlive && process.isRunning)
  }

  @Test func `what was frozen or paused before the reboot still is after it`() throws {
    let fleet = try FleetUnderTest()
    for name in ["ice", "rest", "well"] { try fleet.makeTenant(name) }
    try fleet.start()
    let frozen = try fleet.run("freeze", "ice")
    #expect(frozen.exitCode == 0, "\(frozen.errors) \(fleet.log)")
    #expect(try fleet.run("tenant", "pause", "rest").exitCode == 0)
    fleet.killSupervisor()
    let process = try RunningProcess("/bin/sleep", ["300"])
    let stranger = try #require(ProcessIdentity.of(process.pid))
    for name in ["ice", "rest"] { try record("old", stranger, in: fleet, name) }
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("well") == "running" })
    #expect(try fleet.phase("ice") == "paused" && fleet.phase("rest") == "paused")
    #expect(try fleet.tenant("ice")?["reason"]?.string?.contains("frozen") == true)
    #expect(try fleet.run("thaw", "ice").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.worker("ice", "old")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(stranger.isAlive && process.isRunning)
  }
}
