import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A supervisor that dies again and again, at any moment of its life: nothing is lost, nothing is done twice, nobody is left over.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct FleetRestartTests {
  /// More with LOOOP_TEST_RESTARTS.
  static let restarts = getenv("LOOOP_TEST_RESTARTS").flatMap { Int(String(cString: $0)) } ?? 4

  /// It notes that it began, and then that it is done: twice means doubled, never means lost.
  private static func brief(_ id: String) -> String {
    """
    echo began >>"$LOOOP_DATA_DIR/reports/\(id)"
    echo done >>"$LOOOP_DATA_DIR/reports/\(id)"
    "$LOOOP_BIN" _ kill "$LOOOP_SESSION_ID"
    """
  }

  @Test func `whatever the moment of the kill, each wish is carried out once and the waiting worker waits on`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeWorkingTenant("web")
    try fleet.makeTenant("api")
    try fleet.start()
    #expect(try eventually(within: 30) { try fleet.ask("web/mend-1") != nil })
    let pid = try #require(try fleet.worker("web", "mend")?["pid"]?.int)
    let reports = fleet.dataDir("api").reports
    func notes(_ id: String) -> String? { FileReading.of(reports.appending(id)).text }
    var random = SeededGenerator(seed: UInt64(Self.restarts))
    for number in 0..<Self.restarts {
      let id = "w\(number)"
      let wished = try fleet.looop("api", "_", "worker", "start", id, Self.brief(id))
      #expect(wished.exitCode == 0, "\(wished.errors)")
      // Anywhere between the wish's first being seen and well after the worker's end.
      usleep(UInt32(random.next() % 300_000))
      fleet.killSupervisor()
      #expect(kill(pid_t(pid), 0) == 0, "the waiting worker died with supervisor \(number)")
      try fleet.start()
    }
    let all = (0..<Self.restarts).map { "w\($0)" }
    #expect(eventually(within: 120) { all.allSatisfy { notes($0)?.hasSuffix("done\n") == true } })
    let lost = all.filter { notes($0) == nil }
    let doubled = all.filter { notes($0).map { $0 != "began\ndone\n" } ?? false }
    #expect(lost.isEmpty, "never started: \(lost)")
    #expect(doubled.isEmpty, "not carried out once: \(doubled)")
    #expect(try fleet.worker("web", "mend")?["pid"]?.int == pid)
    #expect(try fleet.asks().map { $0["id"]?.string } == ["web/mend-1"])
    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 0)
    #expect(eventually(within: 20) { FileReading.of(fleet.dataDir("web").reports.appending("mend")).text == "yes\n" })
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    #expect(
      eventually(within: 20) { Self.alive(in: fleet.scratch.path).isEmpty }, "\(Self.alive(in: fleet.scratch.path))")
  }

  /// Processes that were started for a data dir below there.
  private static func alive(in root: FilePath) -> [String] {
    ((try? Directory.names("/proc")) ?? []).filter { name in
      guard Int32(name) != nil,
        let environment = FileReading.of(FilePath("/proc/\(name)/environ"), maximumBytes: 1 << 20).text
      else { return false }
      return environment.contains("LOOOP_DATA_DIR=\(root)/tenants/")
    }
  }
}
