import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What a concierge meets: rivals, large answers, tenants that stand still or are somebody else's, and a fleet that is away.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FleetAnswerTests {
  /// A process that asks and prints what it was answered.
  private static func ask(_ fleet: FleetUnderTest, _ tenant: String, _ worker: String) throws -> RunningProcess {
    try RunningProcess(
      BuiltProducts.looop, ["_", "ask", worker, "--prompt", "go on?"],
      environment: ["LOOOP_DATA_DIR": fleet.dataDir(tenant).root.string])
  }

  private static func answered(_ asking: RunningProcess) -> String {
    _ = asking.wait()
    return asking.output
  }

  @Test func `an answer arrives once, whole, and whatever stands in its way is said`() throws {
    let fleet = try FleetUnderTest(interval: "60s")
    try fleet.makeTenant("web")
    try fleet.makeTenant("api")
    try fleet.start()

    // Two at once: one wins, the other is told so, and the worker has the winner's.
    let raced = try Self.ask(fleet, "web", "raced")
    #expect(try eventually(within: 20) { try fleet.ask("web/raced-1") != nil })
    let rivals = try ["left", "right"].map {
      try RunningProcess(BuiltProducts.looopFleet, ["answer", "web/raced-1", $0], environment: fleet.environment)
    }
    let codes = rivals.map { $0.wait()?.shellCode ?? -1 }
    #expect(codes.sorted() == [0, 4], "\(rivals.map(\.errors))")
    #expect(Self.answered(raced) == (codes[0] == 0 ? "left" : "right") + "\n")

    // As large as an answer may be.
    let large = String(repeating: "a line of it\n", count: 4000).dropLast()
    let big = try Self.ask(fleet, "web", "big")
    #expect(try eventually(within: 20) { try fleet.ask("web/big-1") != nil })
    try fleet.scratch.write(String(large), to: "large")
    let sent = try RunningProcess.shell(
      "'\(BuiltProducts.looopFleet)' answer web/big-1 - <'\(fleet.scratch.appending("large"))'",
      environment: fleet.environment)
    #expect(sent.exitCode == 0, "\(sent.errors)")
    #expect(Self.answered(big) == large + "\n")
    #expect(try fleet.run("answer", "web/nothing-1", "yes").exitCode == 5)

    // A paused tenant makes no beats, but its workers may go on.
    let paused = try Self.ask(fleet, "web", "paused")
    #expect(try eventually(within: 20) { try fleet.ask("web/paused-1") != nil })
    #expect(try fleet.run("tenant", "pause", "web").exitCode == 0)
    #expect(try fleet.run("answer", "web/paused-1", "yes").exitCode == 0)
    #expect(Self.answered(paused) == "yes\n")
    #expect(try fleet.run("tenant", "resume", "web").exitCode == 0)

    // Nothing of a frozen one runs; the ask stands until it is thawed.
    let frozen = try Self.ask(fleet, "api", "frozen")
    #expect(try eventually(within: 20) { try fleet.ask("api/frozen-1") != nil })
    #expect(try fleet.run("freeze", "api").exitCode == 0)
    let refused = try fleet.run("answer", "api/frozen-1", "yes")
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("hint: first: looop-fleet thaw api"), "\(refused.errors)")
    #expect(try fleet.run("thaw", "api").exitCode == 0)

    // A fleet that is away is said to be; the ask is there again with the next one.
    fleet.killSupervisor()
    #expect(try fleet.run("answer", "api/frozen-1", "yes").exitCode == 3)
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.ask("api/frozen-1") != nil })
    #expect(try fleet.run("answer", "api/frozen-1", "yes").exitCode == 0)
    #expect(Self.answered(frozen) == "yes\n")
  }

  @Test func `a tenant whose own pulse runs is left alone, and its asks can be answered all the same`() throws {
    let fleet = try FleetUnderTest(interval: "1s")
    try fleet.makeTenant("web")
    let pulse = try RunningProcess(
      BuiltProducts.looop, ["_", "pulse"],
      environment: ["LOOOP_DATA_DIR": fleet.dataDir("web").root.string, "LOOOP_INTERVAL": "60"])
    #expect(eventually(within: 20) { FileLock.isHeld(fleet.dataDir("web").pulseLock) })
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "foreign" })
    let asked = try Self.ask(fleet, "web", "own")
    #expect(eventually(within: 20) { FileReading.of(fleet.dataDir("web").asks.appending("own-1.json")).text != nil })
    #expect(try fleet.run("answer", "web/own-1", "yes").exitCode == 0)
    #expect(Self.answered(asked) == "yes\n")
    pulse.signal(SIGTERM)
    _ = pulse.wait()
    #expect(try eventually(within: 70) { try fleet.phase("web") == "running" })
  }
}
