import Tenant
import Testing

@testable import Fleet

/// What people read about a day's money: marks, forecasts, concerns, refusals, as tables; and what programs read, key by key.
@Suite struct BudgetWordsTests {
  /// 2026-07-27; the day ends at midnight UTC.
  static let noon: Int64 = 1_785_153_600
  static let day = BudgetDay(date: CivilDate("2026-07-27")!, resetsAt: 1_785_196_800)

  private static func amounts(_ axis: BudgetAxis, _ value: Int64) -> BudgetAmounts {
    var amounts = BudgetAmounts.zero
    amounts[axis] = value
    return amounts
  }

  private static func state(_ axis: BudgetAxis, spent: Int64, held: Int64 = 0, cap: Int64) -> BudgetState {
    BudgetState(
      day: day, spent: amounts(axis, spent), reserved: amounts(axis, held), caps: BudgetCaps.only(axis, cap))
  }

  @Test(arguments: [
    (BudgetAxis.usd, Int64(9_999_999), Int64(20_000_000), ""), (.usd, 10_000_000, 20_000_000, "50"),
    (.usd, 15_999_999, 20_000_000, "50"), (.usd, 16_000_000, 20_000_000, "50 80"),
    (.usd, 19_999_999, 20_000_000, "50 80"), (.usd, 20_000_000, 20_000_000, "50 80 100"),
    (.usd, 90_000_000, 20_000_000, "50 80 100"), (.tokens, 4, 10, ""), (.tokens, 5, 10, "50"),
    (.tokens, 8, 10, "50 80"),
    (.decides, 1, 1, "50 80 100"), (.decides, 0, 1, ""), (.usd, 0, 0, ""), (.tokens, .max, .max, "50 80 100"),
  ])
  func `the marks of a day`(axis: BudgetAxis, spent: Int64, cap: Int64, marks: String) {
    let reached = BudgetThreshold.reached(in: Self.state(axis, spent: spent, cap: cap))
    #expect(reached.map { String($0.threshold.rawValue) }.joined(separator: " ") == marks)
    #expect(reached.allSatisfy { $0.axis == axis })
  }

  @Test(
    arguments: [
      (
        BudgetThreshold.half, BudgetAxis.usd, BudgetScope.tenant(.web), nil, "50 % of today's $20.00 are spent ($16.40)"
      ),
      (
        .warning, .usd, .tenant(.web), "at this rate spent by 15:40",
        "80 % of today's $20.00 are spent ($16.40); at this rate spent by 15:40"
      ),
      (.spent, .usd, .fleet, nil, "the whole fleet: 100 % of today's $20.00 are spent ($16.40)"),
      (.warning, .tokens, .tenant(.web), nil, "80 % of today's 20000000 tokens are spent (16400000 tokens)"),
      (
        .spent, .decides, .fleet, nil, "the whole fleet: 100 % of today's 20000000 decides are spent (16400000 decides)"
      ),
    ] as [(BudgetThreshold, BudgetAxis, BudgetScope, String?, String)])
  func `the words of a mark`(
    threshold: BudgetThreshold, axis: BudgetAxis, scope: BudgetScope, forecast: String?, words: String
  ) {
    let state = Self.state(axis, spent: 16_400_000, cap: 20_000_000)
    #expect(threshold.words(axis, state, scope: scope, forecast: forecast) == words)
  }

  /// Spent so far, of a cap of 1,000; spent lately, in so many seconds; and the clock at which it will be used up, at noon.
  @Test(
    arguments: [
      (Int64(600), Int64(200), Int64(7200), "at this rate spent by 16:00"),
      (600, 400, 7200, "at this rate spent by 14:00"),
      (600, 200, 3600, "at this rate spent by 14:00"), (633, 200, 7200, "at this rate spent by 15:40"),
      (999, 1000, 600, "at this rate spent by 12:00"), (1000, 500, 7200, nil),
      (600, 66, 7200, nil), (600, 67, 7200, "at this rate spent by 23:56"), (600, 0, 7200, nil), (600, 200, 599, nil),
      (600, 200, 600, "at this rate spent by 12:20"), (0, 1, 7200, nil),
    ] as [(Int64, Int64, Int64, String?)])
  func `a forecast at noon`(spent: Int64, recent: Int64, seconds: Int64, words: String?) {
    let at = BudgetForecast.exhaustion(
      of: BudgetAxisState(spent: spent, reserved: 0, cap: 1000), recent: recent, since: Self.noon - seconds,
      now: Self.noon, resetsAt: Self.day.resetsAt)
    #expect(at.map { BudgetForecast.words(spentBy: $0, zone: .utc) } == words)
  }

  @Test func `without a cap there is nothing to forecast`() {
    let open = BudgetAxisState(spent: 600, reserved: 0, cap: nil)
    #expect(
      BudgetForecast.exhaustion(
        of: open, recent: 200, since: Self.noon - 7200, now: Self.noon, resetsAt: Self.day.resetsAt) == nil)
  }

  @Test(
    arguments: [
      (Int64(9_999_999), Int64(0), nil, nil), (9_000_000, 1_000_000, nil, "50 % of today's $20.00 are spent or held"),
      (15_000_000, 1_000_000, nil, "80 % of today's $20.00 are spent or held"),
      (
        16_600_000, 0, "at this rate spent by 15:40",
        "83 % of today's $20.00 are spent or held; at this rate spent by 15:40"
      ), (21_000_000, 0, nil, "105 % of today's $20.00 are spent or held"),
    ] as [(Int64, Int64, String?, String?)])
  func `what status says of a day that runs short`(spent: Int64, held: Int64, forecast: String?, words: String?) {
    #expect(Self.state(.usd, spent: spent, held: held, cap: 20_000_000).concern(forecast: forecast) == words)
  }

  @Test func `what was spent where nothing may be is said too`() {
    #expect(
      Self.state(.usd, spent: 3_500_000, held: 0, cap: 0).concern(forecast: nil)
        == "$3.50 are spent or held where today's budget is $0.00")
    #expect(Self.state(.usd, spent: 0, held: 0, cap: 0).concern(forecast: nil) == nil)
  }

  @Test(arguments: [
    (
      BudgetScope.tenant(.web), Int64(20_000_000), Int64(0),
      "today's budget of $20.00 is spent ($20.00) until 00:00 (UTC)"
    ),
    (.fleet, 21_500_000, 0, "the fleet's budget of $20.00 is spent ($21.50) until 00:00 (UTC)"),
    (
      .fleet, 12_000_000, 5_000_000,
      "the fleet's budget of $20.00 has $3.00 left after $12.00 spent and $5.00 held by what runs; this run may take $4.00 until 00:00 (UTC)"
    ),
  ])
  func `why nothing starts`(scope: BudgetScope, spent: Int64, held: Int64, words: String) {
    let state = Self.state(.usd, spent: spent, held: held, cap: 20_000_000)
    let decision = BudgetGate.decide(
      worstCase: BudgetAmounts(usd: MicroUSD(micros: 4_000_000)), budgets: [(scope, state, .utc)])
    guard case .refused(let refusal) = decision else {
      Issue.record("it was granted")
      return
    }
    #expect(refusal.reason == words && refusal.retryAt == Self.day.resetsAt)
    #expect((BudgetGate.exhausted((scope, state, .utc)) != nil) == (spent >= 20_000_000))
  }

  @Test(arguments: [
    (BudgetAxis.usd, Int64(0), Int64(0), false), (.usd, 1, 0, true), (.usd, 9, 10, false), (.usd, 10, 10, true),
    (.tokens, 10, 10, true), (.decides, 10, 10, true), (.decides, 0, 0, false),
  ])
  func `a day is exhausted by what is spent`(axis: BudgetAxis, spent: Int64, cap: Int64, isExhausted: Bool) {
    let budget: BudgetGate.Budget = (.fleet, Self.state(axis, spent: spent, held: 100, cap: cap), .utc)
    #expect((BudgetGate.exhausted(budget)?.axis == axis) == isExhausted)
    // Nothing free starts either then, but a worker, which makes no decides.
    let decision = BudgetGate.decide(worstCase: .zero, budgets: [budget])
    #expect((decision != .granted) == (isExhausted && axis != .decides))
  }

  // MARK: - For programs

  private func keys(_ json: JSON?) -> [String]? { json?.object?.keys.sorted() }

  @Test func `budget as JSON has exactly the keys of the interface`() throws {
    let row = BudgetRow(
      day: Self.day.date, tenant: "web", kind: .worker, goal: nil, worker: "w", runner: "claude", model: "sonnet",
      source: .priced, unpriced: true, usd: MicroUSD(micros: 250_000), tokens: ChargedTokens(input: 5), decides: 0,
      runs: 1)
    let today = TenantBudget(Self.state(.usd, spent: 1, cap: 2))
    let entry = SpendingReport.Entry(name: "web", today: today, forecast: "at this rate spent by 15:40", rows: [row])
    let json = SpendingReport(tenants: [entry], fleet: today, fleetForecast: nil).json
    #expect(keys(json) == ["fleet", "fleet_forecast", "tenants"])
    #expect(json["fleet_forecast"] == .null)
    let tenant = json["tenants"]?.array?.first
    #expect(keys(tenant) == ["days", "forecast", "name", "shares", "today"])
    for budget in [tenant?["today"], json["fleet"]] {
      #expect(keys(budget) == ["day", "decides", "resets_at", "state", "tokens", "usd"])
      for axis in ["usd", "tokens", "decides"] { #expect(keys(budget?[axis]) == ["cap", "reserved", "spent"]) }
    }
    let day = tenant?["days"]?.array?.first
    #expect(keys(day) == ["bound", "day", "decides", "priced", "reported", "tokens", "unpriced", "usd"])
    #expect(day?["priced"] == .double(0.25) && day?["unpriced"] == .double(0.25) && day?["bound"] == .double(0))
    #expect(keys(tenant?["shares"]?.array?.first) == ["goal", "kind", "model", "tokens", "usd", "worker"])
    #expect(SpendingReport(tenants: []).json["fleet"] == .null)
    #expect(
      keys(AuditRow(at: 1, actor: "a", via: "cli", action: "raise", tenant: nil, detail: "").json) == [
        "action", "at", "by", "detail", "tenant", "via",
      ])
  }

  @Test func `what nobody can attribute has a row of its own, and the rows are the whole`() throws {
    let fixture = try LedgerFixture()
    func run(_ name: String, goal: String?, worker: String?, _ usd: Int64) throws {
      var request = fixture.request(kind: worker == nil ? .tick : .worker, run: name)
      (request.goal, request.worker) = (goal, worker)
      let id = try #require(try fixture.reserve(request, worst: usd, caps: .none).granted)
      try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge(name, usd)], now: fixture.now)
    }
    try run("t1", goal: nil, worker: nil, 70_000)
    try run("t2", goal: nil, worker: nil, 30_000)
    try run("w1", goal: "ship", worker: "mend", 200_000)
    try run("w2", goal: nil, worker: "mend", 1)
    let rows = try fixture.ledger.rows(from: Self.day.date, through: Self.day.date)
    let shares = SpendingReport.shares(of: rows).map {
      "\($0.kind ?? "-") \($0.goal ?? "-") \($0.worker ?? "-") \($0.usd)"
    }
    #expect(shares == ["worker ship mend 200000", "tick - - 100000", "worker - mend 1"])
    #expect(rows.reduce(0) { $0 + $1.usd.micros } == 300_001)
    #expect(try fixture.state(.web, .none).usd.spent == 300_001)
    let csv = BudgetCSV.text(rows).split(separator: "\r\n")
    #expect(
      csv.map { $0.split(separator: ",", omittingEmptySubsequences: false).count } == [16, 16, 16, 16]
        && csv[0]
          == "day,tenant,kind,goal,worker,runner,model,source,unpriced,usd,input,cache_read,cache_write,output,decides,runs"
    )
  }
}

extension BudgetCaps {
  fileprivate static func only(_ axis: BudgetAxis, _ cap: Int64) -> BudgetCaps {
    switch axis {
    case .usd: BudgetCaps(usd: MicroUSD(micros: cap))
    case .tokens: BudgetCaps(tokens: cap)
    case .decides: BudgetCaps(decides: cap)
    }
  }
}
