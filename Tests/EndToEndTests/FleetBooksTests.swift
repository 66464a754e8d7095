import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Two books of the same money: a tenant's own `cost.jsonl`, and the fleet's ledger. A run is in each of them once, whoever looked at it
/// how often (the beat's settlement, its recorded stream, a worker's transcript), and they agree.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetBooksTests {
  private func cost(_ tenant: String, _ fleet: FleetUnderTest) throws -> Int64? {
    try fleet.looop(tenant, "cost", "--json").json?["total"]?["cost_usd"]?.double.map(Money.microUSD)
  }

  private func rows(_ tenant: String, _ fleet: FleetUnderTest) -> [String] {
    (fleet.scratch.read("tenants/\(tenant)/cost.jsonl") ?? "").split(separator: "\n").map(String.init)
  }

  /// Nothing is held, and both books say this.
  private func expectBooks(
    _ tenant: String, _ fleet: FleetUnderTest, _ when: String, own: () -> Int64, ledger: () -> Int64
  ) throws {
    var last = ""
    let agree = try eventually(within: 30) {
      let held = try fleet.tenant(tenant)?["budget"]?["usd"]?["reserved"]?.double
      let (mine, theirs) = (try cost(tenant, fleet), try fleet.spent(tenant))
      last = "own \(mine ?? -1), ledger \(theirs ?? -1), held \(held ?? -1)"
      return held == 0 && mine == own() && theirs == ledger()
    }
    #expect(agree, "\(when): \(last), not own \(own()), ledger \(ledger())\n\(rows(tenant, fleet))\n\(fleet.log)")
  }

  private func work(_ worker: String, calls: Int, _ agent: StandInAgent, _ fleet: FleetUnderTest) throws {
    #expect(try fleet.looop("web", "_", "worker", "start", worker, "do", "it").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", worker)?["phase"]?.string == "running" }, "\(fleet.log)")
    for call in 1...calls { try agent.spend(call, worker, of: "web") }
  }

  @Test func `decides and workers stand once in each book, over meterings and restarts`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let agent = try StandInAgent(fleet)
    try agent.makeTenant(
      "web", tick: StandInAgent.noop(usd: 0.06), yaml: "budget: { usd_per_day: 10, decides_per_day: 20 }\n")
    try fleet.start()
    try expectBooks("web", fleet, "one decide", own: { 60_000 }, ledger: { 60_000 })
    // What is left is told: in the decide's prompt, and to who asks.
    let run = try #require(try Directory.names(fleet.dataDir("web").runs).last)
    let prompt = fleet.scratch.read("tenants/web/runs/\(run)/prompt.md") ?? ""
    #expect(prompt.contains("LIMITS") && prompt.contains("resets_at"))
    let limits = try fleet.looop("web", "_", "limits", "--json").json?["fleet"]
    #expect(
      limits?["usd"]?["left"]?.double == 9.94 && limits?["decides"]?["left"]?.int == 19, "\(limits?.compact ?? "")")
    try work("w", calls: 2, agent, fleet)
    // Metered while it runs: the ledger has it, its own book keeps it apart until the end.
    func metered(_ calls: Int64) throws -> Bool {
      try fleet.spent("web") == Int64(agent.ticks("web")) * 60_000 + calls * StandInAgent.call
    }
    #expect(try eventually(within: 20) { try metered(2) }, "\(fleet.log)")
    // A decide beside it in the same directory has a transcript as well: its money is known by its stream.
    let before = agent.ticks("web")
    try agent.edit("web", "Another goal.")
    #expect(eventually(within: 20) { agent.ticks("web") > before }, "\(fleet.log)")
    #expect(try eventually(within: 20) { try metered(2) }, "\(fleet.log)")
    fleet.killSupervisor()
    try fleet.start()
    try agent.spend(3, "w", of: "web")
    #expect(try eventually(within: 20) { try metered(3) }, "\(fleet.log)")
    try agent.finish("w", of: "web")
    #expect(try eventually(within: 20) { try fleet.worker("web", "w")?["phase"]?.string == "exited" })
    func all() -> Int64 { Int64(agent.ticks("web")) * 60_000 + 3 * StandInAgent.call }
    try expectBooks("web", fleet, "the worker has ended", own: all, ledger: all)
    // Looked at again and again: more beats, a reload, another supervisor.
    #expect(try fleet.run("reload").exitCode == 0)
    fleet.killSupervisor()
    try fleet.start()
    let ticks = agent.ticks("web")
    try agent.edit("web", "A third goal.")
    #expect(eventually(within: 20) { agent.ticks("web") > ticks })
    try expectBooks("web", fleet, "another decide", own: all, ledger: all)
    #expect(rows("web", fleet).count == agent.ticks("web") + 1)
    let report = try fleet.run("budget", "web", "--json").json?["tenants"]?.array?.first
    let shares = report?["shares"]?.array?.compactMap { $0["usd"]?.double.map(Money.microUSD) } ?? []
    #expect(shares.reduce(0, +) == all())

    // A price of the operator's own, twice the list's: what was priced by the list is priced again, what the runner said is not.
    try fleet.scratch.write(
      """
      models:
        claude-sonnet-4-5: { input: 3, output: 30 }

      """, to: "etc/prices.yaml")
    let configuration = try #require(fleet.scratch.read("etc/fleet.yaml"))
    try fleet.scratch.write(
      configuration.replacing("fleet:\n", with: "fleet:\n  prices: \(fleet.scratch.appending("etc/prices.yaml"))\n"),
      to: "etc/fleet.yaml")
    let reloaded = try fleet.run("reload")
    #expect(reloaded.exitCode == 0, "\(reloaded.errors)")
    #expect(try fleet.spent("web") == all() + 3 * StandInAgent.call)
    #expect(fleet.log.contains("3 charges are priced again"), "\(fleet.log)")
  }

  @Test func `a tenant that was standalone in the morning is counted once from its take-over on`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let agent = try StandInAgent(fleet)
    try agent.makeTenant("web", tick: StandInAgent.noop(usd: 0.06))
    // By itself: a decide, a worker that ends, and one that lives on.
    let home = fleet.scratch.appending("home-web/claude").string
    let alone = ["LOOOP_DATA_DIR": fleet.dataDir("web").root.string, "CLAUDE_CONFIG_DIR": home]
    func looop(_ words: String...) throws -> FinishedProcess {
      try RunningProcess.run(BuiltProducts.looop, words, environment: alone)
    }
    #expect(try looop("beat", "--force").exitCode == 0)
    #expect(try cost("web", fleet) == 60_000)
    func begin(_ worker: String) throws {
      #expect(try looop("_", "worker", "start", worker, "do", "it").exitCode == 0)
      try agent.spend(1, worker, of: "web")
      let transcript = fleet.scratch.appending("home-web/claude/projects/p/s-\(worker).jsonl")
      #expect(eventually(within: 20) { FileReading.of(transcript).text?.contains("m1") == true })
    }
    try begin("done")
    try agent.finish("done", of: "web")
    #expect(
      try eventually(within: 20) {
        try looop("worker", "list", "--json").json?.array?.contains {
          $0["id"]?.string == "done" && $0["alive"] == true
        }
          == false
      })
    #expect(try looop("beat", "--force").exitCode == 0)
    #expect(try cost("web", fleet) == 120_000 + StandInAgent.call)
    // Whose a session is in one directory is told by seconds.
    let second = HostClock.system.now
    #expect(eventually(within: 5) { HostClock.system.now > second })
    try begin("lives")
    #expect(agent.ticks("web") == 2)

    // Taken over: what is over is its own affair; the one that lives is the fleet's from its first call on.
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.worker("web", "lives")?["phase"]?.string == "running" })
    try agent.spend(2, "lives", of: "web")
    #expect(try eventually(within: 20) { try fleet.worker("web", "lives")?["usd"]?.double == 0.12 }, "\(fleet.log)")
    #expect(
      try eventually(within: 20) {
        try fleet.spent("web") == Int64(agent.ticks("web") - 2) * 60_000 + 2 * StandInAgent.call
      }, "\(fleet.log)")
    try agent.finish("lives", of: "web")
    #expect(try eventually(within: 20) { try fleet.worker("web", "lives")?["phase"]?.string == "exited" })
    try agent.edit("web", "Another goal.")
    #expect(eventually(within: 20) { agent.ticks("web") > 2 })
    func since() -> Int64 { Int64(agent.ticks("web") - 2) * 60_000 }
    try expectBooks(
      "web", fleet, "both books", own: { 120_000 + 3 * StandInAgent.call + since() },
      ledger: { 2 * StandInAgent.call + since() })
  }
}
