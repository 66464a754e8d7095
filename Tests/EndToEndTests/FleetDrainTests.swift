import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// `down --workers`: who does not want to go is gone in time, and a supervisor that dies in the midst of it is followed by one that
/// goes on with it.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetDrainTests {
  private static let stubborn = """
    trap '' TERM HUP INT QUIT
    setsid bash -c 'trap "" TERM HUP INT QUIT; while :; do sleep 0.2; done' &
    echo $! >"$LOOOP_DATA_DIR/reports/child"; echo $$ >"$LOOOP_DATA_DIR/reports/self"
    while :; do sleep 0.2; done
    """

  private func start(in fleet: FleetUnderTest) throws -> [ProcessIdentity] {
    let reports = fleet.dataDir("web").reports
    for name in ["child", "self"] { AtomicFile.remove(reports.appending(name)) }
    let wished = try fleet.looop("web", "_", "worker", "start", "stubborn", Self.stubborn)
    #expect(wished.exitCode == 0, "\(wished.errors)")
    func pid(_ name: String) -> Int32? {
      FileReading.of(reports.appending(name)).text.flatMap { Int32($0.filter(\.isNumber)) }
    }
    try #require(eventually(within: 20) { pid("self") != nil && pid("child") != nil }, "\(fleet.log)")
    return try ["child", "self"].map { try #require(pid($0).flatMap(ProcessIdentity.of)) }
  }

  @Test
  func
    `a stubborn worker is gone in time, also where the supervisor is killed meanwhile, and nothing starts before the thaw`()
    throws
  {
    let fleet = try FleetUnderTest()
    for name in ["web", "api"] { try fleet.makeTenant(name) }
    try fleet.start()
    for name in ["web", "api"] {
      #expect(try eventually(within: 20) { try fleet.phase(name) == "running" }, "\(fleet.log)")
    }
    var alive = try start(in: fleet)
    let asked = HostClock.system.monotonic()
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    // The grace is two seconds.
    #expect(HostClock.system.monotonic() - asked < 7)
    #expect(alive.allSatisfy { !$0.isAlive })

    // What was drained to its end begins anew.
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" }, "\(fleet.log)")
    alive = try start(in: fleet)
    let down = try RunningProcess(BuiltProducts.looopFleet, ["down", "--workers"], environment: fleet.environment)
    try #require(eventually(within: 10, every: 1) { fleet.log.contains("drained by") })
    fleet.killSupervisor()
    #expect(down.wait(within: 20) == .code(1) || down.wait(within: 1) == .code(3))

    try fleet.start()
    #expect(eventually(within: 7) { alive.allSatisfy { !$0.isAlive } }, "\(fleet.log)")
    for name in ["web", "api"] {
      #expect(try fleet.phase(name) == "paused")
      #expect(try fleet.tenant(name)?["reason"]?.string?.contains("looop-fleet thaw") == true)
    }
    let wished = try fleet.looop("api", "_", "worker", "start", "late", "sleep 300")
    #expect(wished.exitCode == 0, "\(wished.errors)")
    #expect(try fleet.status()["fleet"]?["beats_in_flight"]?.int == 0)
    #expect(try fleet.run("thaw").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("api", "late")?["phase"]?.string == "running" }, "\(fleet.log)")
    #expect(try fleet.phase("web") == "running")
    #expect(try fleet.worker("web", "stubborn")?["phase"]?.string != "running")
  }
}
