import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A fleet of two tenants, one with the real `claude` and one with the real `codex`, on a scripted model: the ledger says what the model
/// served, ticks and workers, and a spent budget holds and asks.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: RealAgents.arePresent, "needs the real claude and codex, and a scripted model"),
  .enabled(if: BuiltProducts.has("looop-fleet"), "needs the built looop-fleet"))
struct RealAgentsFleetTests {
  private let claude = "e2e-claude-\(getpid())"
  private let codex = "e2e-codex-\(getpid())"

  private func make(_ fleet: FleetUnderTest, _ tenant: String, _ preset: Preset, yaml: String = "") throws {
    try fleet.makeTenant(tenant, yaml: yaml)
    let place = "tenants/\(tenant)"
    try fleet.scratch.write(RealAgentsScript.configuration(preset).pretty, to: "\(place)/config.json")
    try fleet.scratch.write(RealAgentsScript.goal + "\n", to: "\(place)/goals/goal.md")
  }

  private func logIn(_ model: RealAgents.Model) throws -> [RealAgentsHome] {
    let homes = try [RealAgentsHome(claude), RealAgentsHome(codex)]
    try homes[0].logIn(model)
    try homes[1].logIn(model)
    return homes
  }

  private func today(_ fleet: FleetUnderTest, _ tenant: String) throws -> JSON? {
    try fleet.run("budget", "--json").json?["tenants"]?.array?.first { $0["name"]?.string == tenant }
  }

  private func micro(_ json: JSON?) -> Int64 { json?.double.map(Money.microUSD) ?? -1 }

  @Test func `the ledger of ticks and workers is what the model served`() throws {
    let fleet = try FleetUnderTest()
    // One model for each: a rule that is used once is then each tenant's.
    let models = try [
      RealAgents.Model(fleet.scratch, rules: RealAgentsScript.rules),
      RealAgents.Model(fleet.scratch, rules: RealAgentsScript.rules),
    ]
    try make(fleet, claude, .claude)
    try make(fleet, codex, .codex)
    let homes = try logIn(models[0])
    try homes[1].write(models[1].codexConfiguration, to: "codex/config.toml")
    try fleet.start()

    // Each at once, whoever asks first: codex lets no command of its shell run for longer than ten seconds.
    var waiting: Set = ["\(claude)/w1-1", "\(codex)/w1-1"]
    let answered = try eventually(within: 60) {
      for ask in try fleet.asks().compactMap({ $0["id"]?.string }) where waiting.remove(ask) != nil {
        #expect(try fleet.run("answer", ask, "blue").exitCode == 0)
      }
      return waiting.isEmpty
    }
    try #require(answered, "\(waiting): \(fleet.log)")
    for tenant in [claude, codex] {
      #expect(
        try eventually(within: 60) { try fleet.worker(tenant, "w1")?["phase"]?.string == "exited" }, "\(fleet.log)")
      #expect(fleet.scratch.read("tenants/\(tenant)/reports/w1") == "blue\n")
      // Settled: the ticks' holds and the worker's.
      #expect(
        try eventually(within: 40) { micro(try today(fleet, tenant)?["today"]?["usd"]?["reserved"]) == 0 })
      let budget = try #require(try today(fleet, tenant))
      let decides = try #require(budget["today"]?["decides"]?["spent"]?.int)
      #expect(decides >= 1)
      let idle = decides - 1
      let prices: (start: Int64, idle: Int64, worker: Int64) =
        tenant == claude ? (2992, 3000, 37_800) : (2159, 2100, 12_150)
      let slack = tenant == claude ? 0 : decides + 3
      let spent = micro(budget["today"]?["usd"]?["spent"])
      #expect(abs(spent - (prices.start + idle * prices.idle + prices.worker)) <= slack, "\(budget.pretty)")
      let tokens = RealAgentsScript.start.total + idle * RealAgentsScript.idle.total + RealAgentsScript.worker.total
      #expect(budget["today"]?["tokens"]?["spent"]?.int == tokens)
      #expect(micro(budget["days"]?.array?.first?["unpriced"]) == 0)
      #expect(micro(try fleet.worker(tenant, "w1")?["usd"]) == prices.worker)
    }
    _ = homes
  }

  @Test func `a spent budget holds the tenant and asks; a raise lets it go on`() throws {
    let fleet = try FleetUnderTest()
    let model = try RealAgents.Model(
      fleet.scratch,
      rules: [["match": "", "reply": #"{"action":"noop"}"#, "input_tokens": 1_000_000, "output_tokens": 10]])
    // One decide may be had: its hold fits, what it really takes ($2) is over.
    try make(fleet, claude, .claude, yaml: "budget: { usd_per_day: 1 }\n")
    let homes = try logIn(model)
    try fleet.start()
    try #require(
      try eventually(within: 60) { micro(try today(fleet, claude)?["today"]?["usd"]?["spent"]) > 1_000_000 },
      "\(fleet.log)")
    try fleet.scratch.write("Another goal.\n", to: "tenants/\(claude)/goals/second.md")
    #expect(try eventually(within: 30) { try fleet.phase(claude) == "held" })
    let ask = try #require(try fleet.asks().first { $0["id"]?.string?.contains("/budget-") == true })
    #expect(try today(fleet, claude)?["today"]?["decides"]?["spent"]?.int == 1)
    #expect(try fleet.run("answer", ask["id"]?.string ?? "", "raise 20").exitCode == 0)
    #expect(
      try eventually(within: 30) { (try today(fleet, claude)?["today"]?["decides"]?["spent"]?.int ?? 0) >= 2 })
    _ = homes
  }
}
