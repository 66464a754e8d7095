import Tenant
import Testing

@testable import Fleet

/// What a breached budget asks, and what is an answer.
@Suite struct BudgetAskTests {
  private static func usd(_ dollars: Double) -> MicroUSD { MicroUSD(reported: dollars)! }

  @Test(arguments: [
    ("wait", "wait"), ("No", "wait"), ("raise 5", "usd 5000000"), ("5", "usd 5000000"), ("$2.50", "usd 2500000"),
    ("raise by 5 usd", "usd 5000000"), ("raise 100 decides", "decides 100"), ("yes 7 dollars", "usd 7000000"),
    ("raise 1000 tokens", "tokens 1000"), ("raise", "-"), ("", "-"), ("raise to 5", "-"), ("-5", "-"), ("0", "-"),
    ("5 apples", "-"), ("raise 5 usd please", "-"), ("raise 1.5 decides", "-"), ("perhaps", "-"), ("yes", "-"),
  ])
  func `answers to a budget's ask`(text: String, meaning: String) {
    let words =
      switch BudgetAnswer(text, axis: .usd) {
      case nil: "-"
      case .wait: "wait"
      case .raise(let amounts):
        BudgetAxis.allCases.filter { amounts[$0] > 0 }.map { "\($0.rawValue) \(amounts[$0])" }.joined()
      }
    #expect(words == meaning)
  }

  @Test(arguments: [
    ("budget-2026-03-29", true), ("budget-2026-03-29-2", true), ("budget-report-1", false), ("budget-1", false),
    ("budget-2026-3-29", false), ("budget-2026-03-29-x", false), ("budget-2026-03-29-", false),
    ("budget-2026-03-29-2-1", false), ("mend-2026-03-29", false), ("budget", false),
  ])
  func `a worker may be called after the budget, and its asks are its own`(id: String, isShaped: Bool) {
    #expect(BudgetAsk.isID(id) == isShaped)
  }

  @Test func `a breach asks once, a raise answers it, a further breach asks again`() throws {
    let fixture = try LedgerFixture()
    let caps = BudgetCaps(usd: Self.usd(1))
    let rules = fixture.rules(.web, caps)
    let all = [rules]
    func breach() throws -> BudgetAsk {
      let admission = try fixture.reserve(fixture.request(), worst: 1_200_000, caps: caps)
      let refusal = admission.refusal ?? AdmissionRefusal(scope: .fleet, axis: nil, reason: "none", retryAt: nil)
      return try fixture.ledger.openBudgetAsk(refusal, rules: rules, now: fixture.now)
    }
    func answer(_ id: String, _ text: String) throws -> BudgetAskOutcome {
      try fixture.ledger.answerBudgetAsk(
        id, text: text, actor: "alice", via: "mailbox", rules: rules, now: fixture.now)
    }
    let ask = try breach()
    #expect(ask.id == "budget-2026-07-27")
    #expect(ask.prompt.hasSuffix("Raise today's cap (`raise 5` adds $5.00), or `wait` for the reset?"))
    #expect(try breach() == ask)
    #expect(try fixture.ledger.pendingBudgetAsks(all, now: fixture.now) == [ask])
    #expect(try answer("budget-2026-07-26", "wait") == .unknown)
    #expect(try fixture.ledger.hasBudgetAsk(ask.id, of: .tenant(.web)))
    #expect(try !fixture.ledger.hasBudgetAsk("budget-2026-07-26", of: .tenant(.web)))
    #expect(try answer(ask.id, "hmm") == .notUnderstood("answer `raise AMOUNT` or `wait`"))
    #expect(try answer(ask.id, "raise 0.1") == .answered(.raise(BudgetAmounts(usd: Self.usd(0.1)))))
    #expect(try answer(ask.id, "raise 5") == .alreadyAnswered("raise 0.1"))
    #expect(try fixture.state(.web, caps).usd.cap == 1_100_000)
    let again = try breach()
    #expect(again.id == "budget-2026-07-27-2")
    #expect(try answer(again.id, "wait") == .answered(.wait))
    #expect(try breach().answer == "wait", "who chose to wait is not asked again")
    #expect(try fixture.ledger.pendingBudgetAsks(all, now: fixture.now) == [])
    fixture.pass(86_400)
    let tomorrow = try breach()
    #expect(tomorrow.id == "budget-2026-07-28")
    fixture.pass(86_400)
    #expect(try answer(tomorrow.id, "raise 5") == .alreadyAnswered("the budget was reset"))
    #expect(try fixture.ledger.pendingBudgetAsks(all, now: fixture.now) == [])
    #expect(try fixture.state(.web, caps).usd.cap == 1_000_000)
    #expect(try fixture.ledger.auditLog().map(\.detail) == ["budget-2026-07-27-2", "$0.10 for 2026-07-27"])
  }

  @Test func `the fleet asks beside its tenants, and a raise by other means is the answer`() throws {
    let fixture = try LedgerFixture()
    fixture.fleet.caps = BudgetCaps(usd: Self.usd(1), decides: 1)
    let (fleet, web) = (fixture.fleet, fixture.rules(.web, BudgetCaps(usd: Self.usd(1))))
    func refusal(_ scope: BudgetScope, _ axis: BudgetAxis = .usd) -> AdmissionRefusal {
      AdmissionRefusal(scope: scope, axis: axis, reason: "\(scope)", retryAt: nil)
    }
    func pending() throws -> [String] {
      try fixture.ledger.pendingBudgetAsks([web, fleet], now: fixture.now).map { "\($0.scope.key)/\($0.id)" }
    }
    for _ in 0..<2 {
      _ = try fixture.ledger.openBudgetAsk(refusal(fleet.scope), rules: fleet, now: fixture.now)
      _ = try fixture.ledger.openBudgetAsk(refusal(web.scope), rules: web, now: fixture.now)
    }
    #expect(try pending() == ["*/budget-2026-07-27", "web/budget-2026-07-27"])
    func raise(_ rules: BudgetRules, _ amounts: BudgetAmounts) throws {
      try fixture.ledger.raise(
        BudgetRaise(scope: rules.scope, amounts: amounts, actor: "alice", via: "cli"), rules: rules, now: fixture.now)
    }
    // Of another axis it is no answer.
    try raise(fleet, BudgetAmounts(decides: 5))
    #expect(try pending().count == 2)
    try raise(fleet, BudgetAmounts(usd: Self.usd(2)))
    #expect(try pending() == ["web/budget-2026-07-27"])
    #expect(
      try fixture.ledger.answerBudgetAsk(
        "budget-2026-07-27", text: "raise 9", actor: "bob", via: "mailbox", rules: fleet, now: fixture.now)
        == .alreadyAnswered("raise $2.00"))
    #expect(try fixture.ledger.state(fleet, now: fixture.now).usd.cap == 3_000_000)
    #expect(try fixture.ledger.openBudgetAsk(refusal(fleet.scope), rules: fleet, now: fixture.now).id.hasSuffix("-2"))
    #expect(
      try fixture.ledger.auditLog(of: .fleet).map { "\($0.actor) \($0.action) \($0.detail)" } == [
        "alice budget raise $2.00 for 2026-07-27", "alice budget raise 5 decides for 2026-07-27",
      ])
    #expect(try fixture.ledger.auditLog(of: .tenant(.web)) == [])
  }

  @Test func `what lives already is adopted over a spent cap and under a pause`() throws {
    let fixture = try LedgerFixture()
    let caps = BudgetCaps(usd: Self.usd(1))
    let id = try #require(try fixture.reserve(fixture.request(), worst: 1_000_000, caps: caps).granted)
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 1_000_000)], now: fixture.now)
    try fixture.ledger.give(.pause, to: .fleet, actor: "a", via: "cli", now: fixture.now)
    let worker = fixture.request(kind: .worker, run: "w")
    func adopt() throws -> Admission {
      try fixture.ledger.adopt(worker, tenant: fixture.rules(.web, caps), fleet: fixture.fleet, now: fixture.now)
    }
    let held = try #require(try adopt().granted)
    #expect(try adopt().granted == held && fixture.state(.web, caps).usd.reserved == 0)
    try fixture.ledger.release(held, of: .web, now: fixture.now)
    #expect(throws: LedgerError.self) { try adopt() }
  }
}
