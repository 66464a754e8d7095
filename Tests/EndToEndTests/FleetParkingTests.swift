import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A provider that turns an account away until some time: nothing of that runner starts for that tenant until then and a little later,
/// no decide is burnt, others go on, and it comes back by itself.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetParkingTests {
  /// Their spread behind the reset is a second or two (see `ParkedAccount`).
  private let limited = "acct33"
  private let free = "acct32"

  /// The stand-in's limit ends some seconds after its run.
  private static let turnedAway: [JSON] = [
    ["type": "system", "subtype": "init", "session_id": "RUN", "model": .string(StandInAgent.model)],
    [
      "type": "rate_limit_event",
      "rate_limit_info": [
        "status": "rejected", "resetsAt": "RESETS", "rateLimitType": "five_hour", "isUsingOverage": false,
      ],
    ],
    [
      "type": "result", "subtype": "success", "is_error": true, "result": "You've hit your limit", "session_id": "RUN",
      "total_cost_usd": 0, "usage": ["input_tokens": 0, "output_tokens": 0],
    ],
  ]

  @Test func `a limit parks that tenant's account until it resets, and burns no decide`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let agent = try StandInAgent(fleet)
    try agent.makeTenant(
      limited, tick: Self.turnedAway, yaml: "budget: { usd_per_day: 50, decides_per_day: 50 }\n")
    try agent.makeTenant(free, tick: StandInAgent.noop(usd: 0.06))
    try fleet.start()
    #expect(try eventually(within: 8) { try fleet.phase(limited) == "held" }, "\(fleet.log)")
    let resets = try #require(fleet.scratch.read("tenants/\(limited)/resets").flatMap { Int64($0.filter(\.isNumber)) })
    #expect(
      try fleet.tenant(limited)?["reason"]?.string?.hasPrefix("claude's provider turned it away; its limit ends")
        == true)
    #expect(agent.ticks(limited) == 1)
    // It may answer again, and nobody finds out before its time; a worker of that account waits as well.
    try agent.say(StandInAgent.noop(usd: 0.06), to: limited)
    try agent.edit(limited, "Another goal.")
    #expect(try fleet.looop(limited, "_", "worker", "start", "w", "do", "it").exitCode == 0)
    // A new supervisor knows of it.
    fleet.killSupervisor()
    try fleet.start()
    #expect(
      try eventually(within: 5) {
        try fleet.worker(limited, "w")?["reason"]?.string?.contains("provider turned it away") == true
      }, "\(fleet.log)")
    #expect(eventually(within: 20) { agent.ticks(free) >= 1 }, "others go on: \(fleet.log)")

    let begins = { (agent.ticks(limited), fleet.scratch.exists("tenants/\(limited)/workers-begun")) }
    while HostClock.system.now < resets {
      #expect(begins() == (1, false))
      usleep(50_000)
    }
    #expect(eventually(within: 30) { agent.ticks(limited) == 2 }, "\(fleet.log)")
    #expect(try eventually(within: 20) { try fleet.phase(limited) == "running" }, "\(fleet.log)")
    #expect(
      try eventually(within: 20) { try fleet.worker(limited, "w")?["phase"]?.string == "running" }, "\(fleet.log)")
    // Of two runs one was a decide; what was turned away cost nothing and asked nobody.
    let budget = try fleet.tenant(limited)?["budget"]
    #expect(budget?["decides"]?["spent"]?.int == 1 && budget?["usd"]?["spent"]?.double == 0.06)
    #expect(try fleet.asks().isEmpty)
    try agent.finish("w", of: limited)
    #expect(try eventually(within: 20) { try fleet.worker(limited, "w")?["phase"]?.string == "exited" })
  }
}
