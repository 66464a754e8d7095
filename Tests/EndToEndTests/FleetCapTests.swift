import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The whole fleet's own cap, on each of its axes: spent, it holds every tenant with that reason and asks once; a raise by whoever may
/// lets all go on, `wait` lasts until the reset, and both stand in the audit.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FleetCapTests {
  struct Axis: Sendable, CustomTestStringConvertible {
    let name: String
    let cap: String
    /// One decide is more than the cap.
    let words: String
    let raise: [String]
    var testDescription: String { name }
  }

  static let axes = [
    Axis(name: "usd", cap: "usd_per_day: 0.05", words: "$0.05", raise: ["--fleet", "5"]),
    Axis(name: "tokens", cap: "tokens_per_day: 3000", words: "3000 tokens", raise: ["--fleet", "--tokens", "1000000"]),
    Axis(name: "decides", cap: "decides_per_day: 1", words: "1 decide", raise: ["--fleet", "--decides", "100"]),
  ]

  private func budgetAsks(_ fleet: FleetUnderTest) throws -> [JSON] {
    try fleet.asks().filter { $0["ask_id"]?.string?.hasPrefix("budget-") == true }
  }

  private func areHeld(_ fleet: FleetUnderTest, _ words: String) throws -> Bool {
    try ["busy", "idle"].allSatisfy {
      let row = try fleet.tenant($0)
      return row?["phase"]?.string == "held"
        && row?["reason"]?.string?.hasPrefix("the fleet's budget of \(words) is spent") == true
    }
  }

  @Test(arguments: axes)
  func `a spent cap holds every tenant and asks once, and a raise lets all go on`(axis: Axis) throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n  budget: { \(axis.cap) }\n")
    let agent = try StandInAgent(fleet)
    try agent.makeTenant("busy", tick: StandInAgent.noop(usd: 0.06))
    try fleet.makeTenant("idle")
    try fleet.start()
    #expect(try eventually(within: 30) { try areHeld(fleet, axis.words) }, "\(fleet.log)")
    let asks = try budgetAsks(fleet)
    let id = try #require(asks.first?["id"]?.string)
    #expect(asks.count == 1 && id.hasPrefix("@fleet/budget-"))
    #expect(asks.first?["prompt"]?.string?.contains("the fleet's budget of \(axis.words)") == true)
    #expect(try fleet.status()["fleet"]?["budget"]?["state"]?.string == "held")

    let before = agent.ticks("busy")
    try agent.edit("busy", "Another goal.")
    if axis.name == "usd" {
      // Nothing starts meanwhile, whoever wishes; a new supervisor knows it too, and does not ask again.
      fleet.killSupervisor()
      try fleet.start()
      #expect(try eventually(within: 20) { try areHeld(fleet, axis.words) }, "\(fleet.log)")
      #expect(try eventually(within: 20) { try budgetAsks(fleet).map { $0["id"]?.string } == [id] })
      #expect(try fleet.run("doctor").output.contains("looop-fleet budget raise --fleet"))
      #expect(agent.ticks("busy") == before)
    }

    let raised = try RunningProcess.run(
      BuiltProducts.looopFleet, ["budget", "raise"] + axis.raise, environment: fleet.environment)
    #expect(raised.exitCode == 0 && raised.output.hasPrefix("the whole fleet: raised by "), "\(raised)")
    #expect(
      try eventually(within: 20) { try ["busy", "idle"].allSatisfy { try fleet.phase($0) == "running" } },
      "\(fleet.log)")
    #expect(eventually(within: 20) { agent.ticks("busy") > before }, "\(fleet.log)")
    // The raise is the answer.
    #expect(try budgetAsks(fleet).isEmpty)
    #expect(try fleet.run("answer", id, "raise 5").exitCode == 4)
    let audit = try fleet.run("audit", "--json").json?.array ?? []
    #expect(
      audit.contains {
        $0["action"]?.string == "budget raise" && $0["tenant"] == .null && $0["by"]?.string?.isEmpty == false
      }, "\(audit)")
  }

  @Test func `its ask is answered by a raise, then by waiting for the reset`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n  budget: { usd_per_day: 0.05 }\n")
    let agent = try StandInAgent(fleet)
    try agent.makeTenant("busy", tick: StandInAgent.noop(usd: 0.06))
    try fleet.makeTenant("idle")
    try fleet.start()
    #expect(try eventually(within: 30) { try budgetAsks(fleet).count == 1 }, "\(fleet.log)")
    let first = try #require(try budgetAsks(fleet).first?["id"]?.string)
    #expect(try fleet.run("answer", first, "perhaps").exitCode == 1)
    #expect(try fleet.run("answer", "@fleet/budget-2000-01-01", "wait").exitCode == 5)
    // Room for twice what the first one took, which is what the second is held for.
    try agent.say(StandInAgent.noop(usd: 0.12), to: "busy")
    #expect(try fleet.run("answer", first, "raise 0.13").exitCode == 0)
    // One more decide, and the raised cap is spent as well: it asks anew.
    try agent.edit("busy", "Another goal.")
    #expect(try eventually(within: 30) { try areHeld(fleet, "$0.18") }, "\(fleet.log)")
    #expect(try eventually(within: 20) { try budgetAsks(fleet).map { $0["id"]?.string } == [first + "-2"] })
    #expect(try fleet.run("answer", first + "-2", "wait").exitCode == 0)
    try agent.edit("busy", "A third goal.")
    #expect(try eventually(within: 10) { try fleet.tenant("busy")?["last_beat"]?["outcome"]?.string == "held" })
    #expect(try areHeld(fleet, "$0.18") && budgetAsks(fleet).isEmpty)
    #expect(agent.ticks("busy") == 2)
    let log = try fleet.run("status")
    #expect(log.output.contains("$0.18 of $0.18 today"), "\(log.output)")
  }

  @Test func `a fleet without a cap has nothing to raise`() throws {
    let fleet = try FleetUnderTest()
    try fleet.start()
    let refused = try fleet.run("budget", "raise", "--fleet", "5")
    #expect(refused.exitCode == 1 && refused.errors.contains("the fleet has no cap in USD that could be raised"))
    #expect(refused.errors.contains("usd_per_day"))
  }
}
