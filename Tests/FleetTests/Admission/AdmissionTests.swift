import Tenant
import Testing

@testable import Fleet

/// The pure decisions about money.
@Suite struct AdmissionTests {
  static let day = BudgetDay(date: CivilDate("2026-07-27")!, resetsAt: 1_785_196_800)

  private static func state(_ spent: BudgetAmounts, held: BudgetAmounts = .zero, _ caps: BudgetCaps) -> BudgetState {
    BudgetState(day: day, spent: spent, reserved: held, caps: caps)
  }

  private static func usd(_ dollars: Double) -> MicroUSD { MicroUSD(reported: dollars)! }

  @Test(arguments: [
    (0.4, 0.0, 0.6, true), (0.4, 0.0, 0.600001, false), (0.4, 0.3, 0.3, true), (0.4, 0.3, 0.4, false),
    (1.0, 0.0, 0.0, false), (1.2, 0.0, 0.0, false), (0.0, 0.0, 1.0, true),
  ])
  func `spent, held and the worst case fit below the cap together`(
    spent: Double, held: Double, wanted: Double, fits: Bool
  ) {
    let state = Self.state(
      BudgetAmounts(usd: Self.usd(spent)), held: BudgetAmounts(usd: Self.usd(held)), BudgetCaps(usd: Self.usd(1)))
    let decision = BudgetGate.decide(
      worstCase: BudgetAmounts(usd: Self.usd(wanted)), budgets: [(.tenant(.web), state, .utc)])
    #expect((decision == .granted) == fits)
  }

  @Test func `any axis binds, and says so`() {
    let caps = BudgetCaps(usd: Self.usd(5), tokens: 1000, decides: 3)
    func axis(_ spent: BudgetAmounts) -> BudgetAxis? {
      let decision = BudgetGate.decide(
        worstCase: BudgetAmounts(usd: Self.usd(1), tokens: 100, decides: 1),
        budgets: [(.tenant(.web), Self.state(spent, caps), .utc)])
      if case .refused(let refusal) = decision { return refusal.axis }
      return nil
    }
    #expect(axis(.zero) == nil)
    #expect(axis(BudgetAmounts(usd: Self.usd(4.5))) == .usd)
    #expect(axis(BudgetAmounts(tokens: 950)) == .tokens)
    #expect(axis(BudgetAmounts(decides: 3)) == .decides)
  }

  @Test func `a worker is not held by the decides`() {
    let state = Self.state(BudgetAmounts(decides: 3), BudgetCaps(decides: 3))
    #expect(
      BudgetGate.decide(worstCase: BudgetAmounts(usd: Self.usd(1)), budgets: [(.tenant(.web), state, .utc)]) == .granted
    )
  }

  @Test func `a cap of nothing lets nothing start that costs`() {
    let state = Self.state(.zero, BudgetCaps(usd: .zero))
    let costs = BudgetAmounts(usd: MicroUSD(micros: 1), decides: 1)
    #expect(BudgetGate.decide(worstCase: costs, budgets: [(.tenant(.web), state, .utc)]) != .granted)
    #expect(
      BudgetGate.decide(worstCase: BudgetAmounts(decides: 1), budgets: [(.tenant(.web), state, .utc)]) == .granted)
  }

  @Test(arguments: [
    (0.0, BudgetState.Standing.open), (0.79, .open), (0.8, .warning), (0.999, .warning), (1.0, .held), (2.0, .held),
  ])
  func `standing`(spent: Double, standing: BudgetState.Standing) {
    #expect(Self.state(BudgetAmounts(usd: Self.usd(spent)), BudgetCaps(usd: Self.usd(1))).standing == standing)
  }

  @Test func `marks are reached by what is spent`() {
    let state = Self.state(
      BudgetAmounts(usd: Self.usd(0.85), tokens: 10, decides: 3), held: BudgetAmounts(usd: Self.usd(0.2)),
      BudgetCaps(usd: Self.usd(1), decides: 3))
    #expect(
      BudgetThreshold.reached(in: state).map { "\($0.axis.rawValue) \($0.threshold.rawValue)" } == [
        "usd 50", "usd 80", "decides 50", "decides 80", "decides 100",
      ])
  }

  @Test func `marks are told once for each cap`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, BudgetCaps(usd: Self.usd(1)))
    let id = try #require(try fixture.reserve(fixture.request(), worst: 900_000, caps: rules.caps).granted)
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 900_000)], now: fixture.now)
    func told() throws -> [Int64] {
      try fixture.ledger.newlyReached(rules, state: fixture.ledger.state(rules, now: fixture.now)).map(
        \.threshold.rawValue)
    }
    #expect(try told() == [50, 80])
    #expect(try told() == [])
    try fixture.ledger.raise(
      BudgetRaise(scope: .tenant(.web), amounts: BudgetAmounts(usd: Self.usd(0.1)), actor: "a", via: "cli"),
      rules: rules, now: fixture.now)
    #expect(try told() == [50, 80])
  }

  @Test func `a forecast is a straight line to the cap`() throws {
    let now = Self.day.resetsAt - 8 * 3600
    let axis = BudgetAxisState(spent: 600, reserved: 0, cap: 1000)
    func spentBy(_ recent: Int64, _ since: Int64) -> Int64? {
      BudgetForecast.exhaustion(of: axis, recent: recent, since: now - since, now: now, resetsAt: Self.day.resetsAt)
    }
    #expect(spentBy(200, 7200) == now + 14_400)
    #expect(spentBy(10, 7200) == nil, "not before the reset")
    #expect(spentBy(0, 7200) == nil)
    #expect(spentBy(200, 300) == nil, "too little to go by")
    #expect(BudgetForecast.words(spentBy: now, zone: .utc) == "at this rate spent by 16:00")
    #expect(
      BudgetForecast.exhaustion(
        of: BudgetAxisState(spent: .max, reserved: .max, cap: .max), recent: .max, since: 0, now: now,
        resetsAt: Self.day.resetsAt) == nil, "what is spent already is no forecast")
    #expect(
      BudgetForecast.exhaustion(
        of: BudgetAxisState(spent: .max - 1, reserved: 0, cap: .max), recent: .max, since: 0, now: now,
        resetsAt: Self.day.resetsAt) == now)
  }

  @Test func `the ledger's forecast comes from its charges`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, BudgetCaps(usd: Self.usd(1)))
    let id = try #require(try fixture.reserve(fixture.request(), worst: 500_000, caps: rules.caps).granted)
    fixture.pass(3600)
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 500_000)], now: fixture.now)
    let state = try fixture.ledger.state(rules, now: fixture.now)
    #expect(try fixture.ledger.forecast(rules, state: state, now: fixture.now) == [.usd: fixture.now.wall + 7200])
  }

  // MARK: - Estimates

  private func estimate(
    _ history: [PastRun], kind: RunKind = .tick, bytes: Int64 = 30_000, model: String? = "claude-sonnet-4-6",
    caps: [BudgetCaps] = []
  ) -> BudgetAmounts {
    RunEstimate.worstCase(
      kind: kind, promptBytes: bytes, model: model, prices: .shipped, on: Self.day.date, history: history, caps: caps)
  }

  @Test func `a first run is bounded by its prompt and the price`() {
    // 10,000 tokens four times over and 8,000 out, at $3 and $15.
    #expect(estimate([]) == BudgetAmounts(usd: MicroUSD(micros: 240_000), tokens: 48_000, decides: 1))
    #expect(estimate([], model: "unheard-of").usd > estimate([]).usd)
    #expect(estimate([], kind: .worker).usd > estimate([]).usd)
    #expect(estimate([], kind: .worker).decides == 0)
  }

  @Test func `a habit is bounded by its dearest run`() {
    let runs = [10_000, 40_000, 20_000].map { PastRun(usd: MicroUSD(micros: $0), tokens: $0 * 2) }
    #expect(estimate(runs).usd.micros == 80_000)
    #expect(estimate(runs + runs).usd.micros == 50_000)
    #expect(estimate(runs + runs, bytes: 3_000_000).tokens == 1_000_000)
  }

  @Test func `a prompt's length is the tenant's word, and bounds no sum`() throws {
    for kind in RunKind.allCases {
      #expect(estimate([], kind: kind, bytes: .max) == estimate([], kind: kind, bytes: RunEstimate.longestPrompt))
    }
    let fixture = try LedgerFixture()
    for run in 0..<3 {
      var request = fixture.request(run: "r\(run)")
      request.promptBytes = .max
      let amounts = BudgetAmounts(usd: MicroUSD(micros: .max), tokens: .max, decides: 1)
      let admission = try fixture.ledger.reserve(
        request, worstCase: run == 0 ? nil : amounts, tenant: fixture.rules(.web, .none), fleet: fixture.fleet,
        prices: .shipped, now: fixture.now)
      #expect(admission.granted != nil)
    }
    #expect(try fixture.state(.web, .none).usd.reserved > 2_000_000_000_000_000)
  }

  @Test(arguments: [
    (BudgetCaps(usd: .zero), BudgetAxis.usd, "$0.00"), (BudgetCaps(tokens: 0), .tokens, "0 tokens"),
  ])
  func `a cap of nothing refuses every run that uses a model, a tenant's or the fleet's`(
    caps: BudgetCaps, axis: BudgetAxis, words: String
  ) throws {
    for (kind, ofFleet) in [(RunKind.tick, false), (.worker, false), (.tick, true), (.worker, true)] {
      let fixture = try LedgerFixture()
      // Runs that took nothing are no proof that the next one does not.
      for run in 0..<3 {
        let id = try #require(try fixture.reserve(fixture.request(kind: kind), worst: 1, caps: .none).granted)
        try fixture.ledger.settle(
          id, of: .web, charges: [LedgerFixture.charge("free-\(run)", 0, tokens: 0)], now: fixture.now)
      }
      if ofFleet { fixture.fleet.caps = caps }
      for bytes: Int64 in [0, 30_000] {
        var request = fixture.request(kind: kind)
        request.promptBytes = bytes
        let refusal = try fixture.ledger.reserve(
          request, tenant: fixture.rules(.web, ofFleet ? .none : caps), fleet: fixture.fleet, prices: .shipped,
          now: fixture.now
        ).refusal
        #expect(refusal?.axis == axis)
        #expect(
          refusal?.reason
            == "\(ofFleet ? "the fleet's" : "today's") budget of \(words) lets nothing start that uses a model")
      }
      #expect(try fixture.ledger.openReservations() == [])
    }
  }

  @Test func `a hold is bounded by the cap as it was raised`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, BudgetCaps(usd: Self.usd(1)))
    let dear = try #require(try fixture.reserve(fixture.request(), worst: 1, caps: .none).granted)
    try fixture.ledger.settle(dear, of: .web, charges: [LedgerFixture.charge("dear", 3_000_000)], now: fixture.now)
    fixture.pass(86_400)
    func worst() throws -> Int64? {
      let answer = try fixture.ledger.reserve(
        fixture.request(run: "next"), tenant: rules, fleet: fixture.fleet, prices: .shipped, now: fixture.now)
      if case .granted(_, let worst, _) = answer { return worst.usd.micros }
      return nil
    }
    try fixture.ledger.raise(
      BudgetRaise(scope: .tenant(.web), amounts: BudgetAmounts(usd: Self.usd(4)), actor: "a", via: "cli"),
      rules: rules, now: fixture.now)
    #expect(try worst() == 5_000_000, "twice its dearest run would be more than the whole day")
  }

  @Test func `runs that were stopped are a habit too, by what is known of them`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, .none)
    func worst(_ run: String) throws -> Int64? {
      let answer = try fixture.ledger.reserve(
        fixture.request(kind: .worker, run: run), tenant: rules, fleet: fixture.fleet, prices: .shipped,
        now: fixture.now)
      if case .granted(let id, let worst, _) = answer {
        try fixture.ledger.release(id, of: .web, now: fixture.now)
        return worst.usd.micros
      }
      return nil
    }
    let first = try #require(try worst("w0"))
    // Nothing is known of this one: its hold is no habit, else each would make the next larger.
    let silent = try #require(
      try fixture.reserve(fixture.request(kind: .worker), worst: 9_000_000, caps: .none).granted)
    try fixture.ledger.bind(silent, of: .web, now: fixture.now)
    #expect(try worst("w1") == first)
    let stopped = try #require(
      try fixture.reserve(fixture.request(kind: .worker), worst: 5_000_000, caps: .none).granted)
    try fixture.ledger.meter(
      stopped, of: .web, charges: [LedgerFixture.charge("seen", 4_000_000)], tenant: rules, fleet: fixture.fleet,
      now: fixture.now)
    try fixture.ledger.bind(stopped, of: .web, now: fixture.now)
    #expect(try worst("w2") == 8_000_000)
  }

  @Test func `no estimate is beyond a whole day`() {
    let caps = [BudgetCaps(usd: MicroUSD(micros: 100_000)), BudgetCaps(tokens: 9000)]
    #expect(estimate([], caps: caps) == BudgetAmounts(usd: MicroUSD(micros: 100_000), tokens: 9000, decides: 1))
  }

  @Test func `the embedded decider costs a decide and nothing else`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, BudgetCaps(usd: .zero, tokens: 0, decides: 1))
    func admit(_ run: String) throws -> Admission {
      try fixture.ledger.reserve(
        RunRequest(tenant: .web, kind: .tick, runID: run, runner: "rules", promptBytes: 9000), tenant: rules,
        fleet: fixture.fleet, prices: .shipped, now: fixture.now)
    }
    let id = try #require(try admit("1").granted)
    try fixture.ledger.settle(id, of: .web, charges: [], now: fixture.now)
    #expect(try admit("2").refusal?.axis == .decides)
    #expect(
      try admit("2").json.compact
        == #"{"granted":false,"reason":"today's budget of 1 decide is spent (1 decide) until 00:00 (UTC)","retry_at":1785196800}"#
    )
  }

  // MARK: - Settlements

  private static let run = RunRequest(
    tenant: .web, kind: .tick, runID: "t1", runner: "claude", model: "claude-sonnet-4-6")
  private static let hold = BudgetAmounts(usd: MicroUSD(micros: 500_000), tokens: 9000, decides: 1)

  private func settle(_ usage: RunUsage?) -> String {
    switch Settlement.of(usage, run: Self.run, hold: Self.hold, prices: .shipped, on: Self.day.date) {
    case .bind: return "bind"
    case .charge(let charges, let countsDecide):
      return charges.map { "\($0.source) \($0.usd) \($0.tokens.total)\($0.unpriced ? " unpriced" : "")" }.joined()
        + (countsDecide ? "" : "no decide")
    }
  }

  @Test func `what a run is charged`() {
    let tokens = TokenCount(input: 1000, output: 100)
    func usage(
      _ tokens: TokenCount?, _ usd: Int64?, _ runner: String = "claude", complete: Bool = true, limited: Int64? = nil,
      model: String? = nil, worked: Bool = false
    ) -> RunUsage {
      RunUsage(
        runner: runner, model: model, session: "s", tokens: tokens, microUSD: usd, complete: complete,
        rateLimitedUntil: limited, worked: worked)
    }
    #expect(settle(nil) == "bind")
    #expect(settle(usage(tokens, 60_000)) == "reported $0.06 1100")
    #expect(settle(usage(tokens, nil, "codex", model: "gpt-5")) == "priced $0.00225 1100")
    #expect(settle(usage(tokens, nil, "codex", model: "gpt-99")) == "priced $0.0225 1100 unpriced")
    #expect(settle(usage(tokens, 0, "opencode", model: "gpt-99")) == "priced $0.0225 1100 unpriced")
    #expect(settle(usage(TokenCount(), 0, "opencode")) == "bind", "it once said zero for everything")
    #expect(settle(usage(tokens, nil, complete: false)) == "bound $0.50 9000")
    #expect(settle(usage(tokens, 700_000, complete: false)) == "bound $0.70 9000")
    #expect(settle(usage(nil, nil, complete: false)) == "bind")
    #expect(settle(usage(nil, nil, "custom")) == "bind")
    #expect(settle(usage(nil, nil, limited: 99)) == "no decide")
    #expect(settle(usage(nil, nil, "codex", complete: false, limited: 99, worked: true)) == "bind")
    #expect(settle(usage(tokens, 60_000, limited: 99)) == "reported $0.06 1100")
  }

  @Test func `who calls itself free and uses a model is charged`() {
    var run = Self.run
    run.runner = "rules"
    func settle(_ usage: RunUsage?) -> Settlement {
      Settlement.of(usage, run: run, hold: BudgetAmounts(decides: 1), prices: .shipped, on: Self.day.date)
    }
    #expect(settle(nil) == .charge([], countsDecide: true))
    #expect(settle(RunUsage(runner: "rules", complete: true)) == .charge([], countsDecide: true))
    let usage = RunUsage(runner: "claude", tokens: TokenCount(input: 5), microUSD: 70, complete: true)
    guard case .charge(let charges, _) = settle(usage) else {
      Issue.record("it was not charged")
      return
    }
    #expect(charges.map(\.usd.micros) == [70])
  }

  // MARK: - Workers while the money runs out

  @Test func `workers are warned, given time, and stopped`() {
    func verdict(_ spent: Double, breachedAt: Int64? = nil, now: Int64 = 1000, decides: Int64 = 0) -> WorkerMoney {
      WorkerMoney.verdict(
        Self.state(
          BudgetAmounts(usd: Self.usd(spent), decides: decides), held: BudgetAmounts(usd: Self.usd(0.5)),
          BudgetCaps(usd: Self.usd(1), decides: 1)),
        zone: .utc, breachedAt: breachedAt, grace: .seconds(600), now: now)
    }
    #expect(verdict(0.7) == .goOn)
    #expect(verdict(0.7, decides: 5) == .goOn)
    #expect(
      verdict(0.85) == .warn("$0.85 of today's $1.00 are spent: finish what matters; it resets at 00:00 (UTC)"))
    #expect(
      verdict(1, breachedAt: 900)
        == .finish(
          until: 1500,
          "today's budget of $1.00 is spent: save and commit your work, you will be stopped in 9 min; it resets at 00:00 (UTC)"
        ))
    #expect(
      verdict(1, breachedAt: 900, now: 1500)
        == .stop("today's budget of $1.00 is spent and the time to finish is over; it resets at 00:00 (UTC)"))
    #expect(verdict(0.9, breachedAt: 900, now: 1500) != verdict(1, breachedAt: 900, now: 1500), "a raise takes it back")
  }

  @Test func `a breach's time survives a restart, and a raise ends it`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, BudgetCaps(usd: Self.usd(1)))
    func since() throws -> Int64? {
      try fixture.ledger.breachedSince(rules, state: fixture.ledger.state(rules, now: fixture.now), now: fixture.now)
    }
    #expect(try since() == nil)
    let id = try #require(try fixture.reserve(fixture.request(), worst: 1_000_000, caps: rules.caps).granted)
    #expect(try since() == nil, "a hold is no breach")
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 1_000_000)], now: fixture.now)
    let first = fixture.now.wall
    #expect(try since() == first)
    fixture.pass(300)
    fixture.reopen()
    #expect(try since() == first)
    try fixture.ledger.raise(
      BudgetRaise(scope: .tenant(.web), amounts: BudgetAmounts(usd: Self.usd(1)), actor: "a", via: "cli"), rules: rules,
      now: fixture.now)
    #expect(try since() == nil)
  }

  @Test func `a resumed session's totals are charged once`() throws {
    let fixture = try LedgerFixture()
    func run(_ name: String, session: String, total: Int64) throws {
      let request = fixture.request(run: name)
      let id = try #require(try fixture.reserve(request, worst: 600_000, caps: .none).granted)
      let charge = Charge(
        eventID: name, source: .reported, usd: MicroUSD(micros: total), tokens: ChargedTokens(input: total / 100),
        model: "sonnet", session: session, isCumulative: true)
      try fixture.ledger.settle(id, of: .web, charges: [charge], now: fixture.now)
    }
    try run("1", session: "a", total: 100_000)
    fixture.pass(86_400)
    try run("2", session: "a", total: 250_000)
    try run("3", session: "b", total: 40_000)
    #expect(try fixture.ledger.totals(of: .tenant(.web), on: CivilDate("2026-07-27")!).usd.micros == 100_000)
    #expect(try fixture.state(.web, .none).usd.spent == 190_000)
    #expect(try fixture.state(.web, .none).tokens.spent == 1900)
  }

  @Test func `a worker's record parks its account, while it says that it is turned away`() {
    var transcript = Transcript(runner: "codex")
    func parked() -> ParkedAccount? {
      ParkedAccount(tenant: .web, transcript: transcript, now: 1_785_153_600, zone: .utc)
    }
    #expect(parked() == nil)
    transcript.limitedUntil = 1_785_153_600
    #expect(parked() == nil)
    transcript.limitedUntil = 1_785_164_400
    #expect(parked()?.runner == "codex" && (parked()?.until ?? 0) > 1_785_164_400)
  }

  @Test func `an account is parked a little longer than its provider says`() throws {
    let now: Int64 = 1_785_153_600
    let parked = try #require(
      ParkedAccount(tenant: .web, runner: "claude", resetsAt: now + 10_800, now: now, zone: .utc))
    #expect((now + 10_801...now + 11_100).contains(parked.until))
    #expect(
      parked.reason
        == "claude's provider turned it away; its limit ends at 15:00 (UTC), and it is asked again shortly after")
    let tomorrow = ParkedAccount(tenant: .web, runner: "claude", resetsAt: now + 46_800, now: now, zone: .utc)
    #expect(tomorrow?.reason.contains("ends on 2026-07-28 at 01:00 (UTC)") == true)
    #expect(ParkedAccount(tenant: .web, runner: "claude", resetsAt: now + 10_800, now: now, zone: .utc) == parked)
    #expect(ParkedAccount(tenant: .web, runner: "claude", resetsAt: now, now: now, zone: .utc) == nil)
    #expect(
      try #require(ParkedAccount(tenant: .web, runner: "x", resetsAt: .max, now: now, zone: .utc)).until < now + 9
        * 86_400)
  }
}
