import Fleet
import Tenant
import Testing

@Suite struct MailboxTests {
  static func ask(_ id: String, _ ts: Int64) -> TenantReport.Ask {
    TenantReport.Ask(
      id: id, worker: "w", goal: nil, prompt: "p", ts: ts, reference: nil, options: [], irreversible: false,
      workerAlive: true)
  }

  @Test func `all tenants' asks are one list, oldest first, and the fleet's own among them`() {
    let budget = MailboxAsk(
      tenant: "web", askID: "budget-2026-06-30", worker: nil, goal: nil, prompt: "raise?", at: 50, ageSeconds: 0,
      reference: nil, options: ["wait"], irreversible: false, workerAlive: nil)
    let merged = Mailbox.merge(
      [("web", [Self.ask("x-1", 70), Self.ask("x-0", 20)]), ("api", [Self.ask("x-1", 70)])], fleet: [budget], now: 100)
    #expect(merged.map(\.id) == ["web/x-0", "web/budget-2026-06-30", "api/x-1", "web/x-1"])
    #expect(merged.map(\.ageSeconds) == [80, 50, 30, 30])
  }

  @Test func `an ask of the future is new, not of negative age`() {
    #expect(Mailbox.merge([("web", [Self.ask("a", 500)])], now: 100).first?.ageSeconds == 0)
  }

  @Test func `a tenant that floods the mailbox hides only its own newest asks`() {
    let flood = (0..<5000).map { Self.ask("f-\($0)", Int64($0)) }
    let merged = Mailbox.merge([("loud", flood), ("quiet", [Self.ask("q", 4999)])], now: 6000)
    #expect(merged.count == Mailbox.maximumPerTenant + 1)
    #expect(merged.last?.id == "quiet/q")
    #expect(merged.first?.id == "loud/f-0")
  }

  @Test func `an ask's JSON has exactly the keys of the interface`() {
    let json = MailboxAsk(tenant: "web", ask: Self.ask("a", 1), now: 5).json
    #expect(
      json.object?.keys.sorted() == [
        "age_s", "ask_id", "at", "goal", "id", "irreversible", "options", "prompt", "reference", "tenant", "worker",
        "worker_alive",
      ])
    #expect(json["id"] == "web/a")
    #expect(json["goal"] == .null)
    #expect(MailboxAsk(json: json) == MailboxAsk(tenant: "web", ask: Self.ask("a", 1), now: 5))
  }
}
