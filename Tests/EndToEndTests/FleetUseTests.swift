import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What tenants use of the machine, as `status`, `tenant show` and `/metrics` tell it.
@Suite(
  .serialized, .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root: control groups for each tenant"))
struct FleetUseTests {
  private static let burner = "x=$(head -c 48M /dev/zero | tr '\\0' x); while :; do :; done"

  @Test func `a busy worker's tenant shows its CPU and memory, an idle one none, and one without a group nothing`()
    throws
  {
    let fleet = try FleetUnderTest(interval: "600s")
    try fleet.makeTenant("busy", yaml: "total: { cpu: 0.5, memory_max: 512M, pids_max: 400 }\n")
    try fleet.makeTenant("idle")
    try fleet.scratch.write("data_dir: /nowhere\nintervall: 5s\n", to: "etc/tenants.d/typo.yaml")
    try fleet.start()
    func percent(_ name: String) throws -> Double? { try fleet.tenant(name)?["cpu"]?["percent"]?.double }
    for name in ["busy", "idle"] {
      // The first beat is over, and nothing runs any more.
      #expect(try eventually(within: 30, every: 50) { try percent(name).map { $0 < 1 } ?? false }, "\(fleet.log)")
    }
    #expect(try fleet.looop("busy", "_", "worker", "start", "burn", Self.burner).exitCode == 0)
    #expect(
      try eventually(within: 30, every: 50) { try percent("busy").map { (20...70).contains($0) } ?? false },
      "\(fleet.log)")
    if ControlGroupHost.limitsMemory {
      #expect(try eventually { try fleet.tenant("busy")?["memory_bytes"]?.int ?? 0 > 48 << 20 }, "\(fleet.log)")
    }
    let (busy, idle) = (try #require(try fleet.tenant("busy")), try #require(try fleet.tenant("idle")))
    #expect((busy["cpu"]?["seconds"]?.double ?? 0) > (idle["cpu"]?["seconds"]?.double ?? .infinity))
    #expect((idle["cpu"]?["percent"]?.double ?? 100) < 1)
    if ControlGroupHost.limitsMemory { #expect((idle["memory_bytes"]?.int ?? .max) < 48 << 20) }
    #expect((busy["processes"]?.int ?? 0) > 0)
    #expect(
      busy["limits"] == [
        "memory_bytes": .int(512 << 20), "cpus": .double(0.5), "processes": 400, "occupied_bytes": .null,
      ])
    let typo = try #require(try fleet.tenant("typo"))
    #expect(typo["cpu"]?.isNull == true && typo["memory_bytes"]?.isNull == true)

    let screen = try fleet.run("status").output
    #expect(screen.contains("CPU") && screen.contains("MEMORY"), "\(screen)")
    let shown = try fleet.run("tenant", "show", "busy").output
    #expect(
      shown.contains("of a processor") && shown.contains("(at most 50 %)") && shown.contains(" of 400"), "\(shown)")
    let socket = fleet.scratch.appending("state/fleet.sock").string
    let metrics = try RunningProcess.run("/usr/bin/curl", ["-s", "--unix-socket", socket, "http://fleet/metrics"])
      .output
    #expect(metrics.contains("looop_fleet_tenant_cpu_seconds_total{tenant=\"busy\"} "))
    #expect(!metrics.contains("cpu_seconds_total{tenant=\"typo\"}"))

    #expect(try fleet.run("worker", "kill", "busy/burn").exitCode == 0)
    #expect(try eventually(within: 30, every: 50) { try percent("busy").map { $0 < 1 } ?? false }, "\(fleet.log)")
    #expect((try fleet.tenant("busy")?["cpu"]?["seconds"]?.double ?? 0) >= (busy["cpu"]?["seconds"]?.double ?? 0))
  }
}
