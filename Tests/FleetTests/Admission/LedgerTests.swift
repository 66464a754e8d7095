import Testing

@testable import Fleet
@testable import Tenant

@Suite struct LedgerTests {
  static let dollar = BudgetCaps(usd: MicroUSD(micros: 1_000_000))

  @Test func `of eight runs that may take 60 cents each, a dollar admits one`() throws {
    let fixture = try LedgerFixture()
    let answers = try (0..<8).map { _ in
      try fixture.reserve(fixture.request(), worst: 600_000, caps: Self.dollar)
    }
    #expect(answers.compactMap(\.granted).count == 1)
    let refusal = try #require(answers[1].refusal)
    #expect(refusal.axis == .usd)
    #expect(
      refusal.reason
        == "today's budget of $1.00 has $0.40 left after $0.00 spent and $0.60 held by what runs; this run may take $0.60 until 00:00 (UTC)"
    )
    #expect(refusal.retryAt == 1_785_196_800)
  }

  @Test func `a settled run is charged what it took, once`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(), worst: 600_000, caps: Self.dollar).granted)
    let charges = [LedgerFixture.charge("e1", 123_457, tokens: 42)]
    #expect(try fixture.ledger.settle(id, of: .web, charges: charges, now: fixture.now) == .settled)
    #expect(try fixture.ledger.settle(id, of: .web, charges: charges, now: fixture.now) == .alreadyClosed)
    let state = try fixture.state(.web, Self.dollar)
    #expect(state.usd == BudgetAxisState(spent: 123_457, reserved: 0, cap: 1_000_000))
    #expect(state.tokens == BudgetAxisState(spent: 42, reserved: 0, cap: nil))
    #expect(state.decides == BudgetAxisState(spent: 1, reserved: 0, cap: nil))
    #expect(try fixture.ledger.totals(of: .fleet, on: state.day.date).usd.micros == 123_457)
  }

  @Test func `a run killed before it reported is charged its hold, and the truth replaces it`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(), worst: 600_000, caps: Self.dollar).granted)
    fixture.reopen()
    #expect(try fixture.ledger.openReservations().map(\.id) == [id])
    try fixture.ledger.bind(id, of: .web, now: fixture.now)
    try fixture.ledger.bind(id, of: .web, now: fixture.now)
    #expect(try fixture.state(.web, Self.dollar).usd == BudgetAxisState(spent: 600_000, reserved: 0, cap: 1_000_000))
    let outcome = try fixture.ledger.settle(
      id, of: .web, charges: [LedgerFixture.charge("e1", 200_000)], now: fixture.now)
    #expect(outcome == .corrected)
    let state = try fixture.state(.web, Self.dollar)
    #expect(state.usd == BudgetAxisState(spent: 200_000, reserved: 0, cap: 1_000_000))
    #expect(state.decides.spent == 1)
    #expect(try fixture.ledger.audited() == [])
  }

  @Test func `a hold asked for again after a crash is the same hold`() throws {
    let fixture = try LedgerFixture()
    let request = fixture.request(run: "tick-1")
    let first = try fixture.reserve(request, worst: 600_000, caps: Self.dollar)
    fixture.reopen()
    let second = try fixture.reserve(request, worst: 600_000, caps: Self.dollar)
    #expect(first.granted == second.granted)
    #expect(try fixture.ledger.openReservations().count == 1)
  }

  @Test func `a run id is used once`() throws {
    let fixture = try LedgerFixture()
    let request = fixture.request(run: "tick-1")
    let id = try #require(try fixture.reserve(request, worst: 1000, caps: Self.dollar).granted)
    try fixture.ledger.release(id, of: .web, now: fixture.now)
    #expect(throws: LedgerError.self) { try fixture.reserve(request, worst: 1000, caps: Self.dollar) }
  }

  @Test func `a tenant cannot settle another's hold`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(), worst: 1000, caps: Self.dollar).granted)
    let failure = #expect(throws: LedgerError.self) {
      try fixture.ledger.settle(id, of: .api, charges: [], now: fixture.now)
    }
    #expect(failure?.code == .conflict)
  }

  @Test func `a provider that turned the run away takes no decide`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(), worst: 1000, caps: Self.dollar).granted)
    try fixture.ledger.settle(id, of: .web, charges: [], countsDecide: false, now: fixture.now)
    try fixture.ledger.park(
      ParkedAccount(
        tenant: .web, runner: "claude", until: fixture.now.wall + 10_800, reason: "claude's five-hour limit"))
    #expect(try fixture.state(.web, Self.dollar).decides.spent == 0)
    let refusal = try fixture.reserve(fixture.request(), worst: 1000, caps: Self.dollar).refusal
    #expect(refusal?.retryAt == fixture.now.wall + 10_800)
    #expect(refusal?.axis == nil)
    #expect(try fixture.reserve(fixture.request(.api), worst: 1000, caps: Self.dollar).granted != nil)
    fixture.pass(10_800)
    #expect(try fixture.reserve(fixture.request(), worst: 1000, caps: Self.dollar).granted != nil)
  }

  @Test func `the fleet's cap binds where the tenants' do not`() throws {
    let fixture = try LedgerFixture()
    fixture.fleet.caps = Self.dollar
    #expect(try fixture.reserve(fixture.request(), worst: 600_000, caps: .none).granted != nil)
    let refusal = try fixture.reserve(fixture.request(.api), worst: 600_000, caps: .none).refusal
    #expect(refusal?.scope == .fleet)
  }

  @Test func `a worker's charges shrink its hold while it runs`() throws {
    let fixture = try LedgerFixture()
    let request = fixture.request(kind: .worker)
    let id = try #require(try fixture.reserve(request, worst: 600_000, caps: Self.dollar).granted)
    func meter(_ charges: [Charge]) throws {
      try fixture.ledger.meter(
        id, of: .web, charges: charges, tenant: fixture.rules(.web, Self.dollar), fleet: fixture.fleet, now: fixture.now
      )
    }
    try meter([LedgerFixture.charge("m1", 100_000), LedgerFixture.charge("m2", 50_000)])
    try meter([LedgerFixture.charge("m1", 100_000), LedgerFixture.charge("m2", 70_000)])
    var state = try fixture.state(.web, Self.dollar)
    #expect(state.usd == BudgetAxisState(spent: 170_000, reserved: 430_000, cap: 1_000_000))
    try meter([LedgerFixture.charge("m3", 900_000)])
    state = try fixture.state(.web, Self.dollar)
    #expect(state.usd == BudgetAxisState(spent: 1_070_000, reserved: 0, cap: 1_000_000))
    #expect(state.standing == .held)
    try fixture.ledger.settle(id, of: .web, charges: [], now: fixture.now)
    #expect(try fixture.ledger.audited() == [])
    #expect(try fixture.state(.web, Self.dollar).usd.spent == 1_070_000)
  }

  @Test func `an old line read again, or worse known, changes nothing`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(
      try fixture.reserve(fixture.request(kind: .worker), worst: 600_000, caps: Self.dollar).granted)
    for charge in [
      LedgerFixture.charge("m", 80_000, source: .priced), LedgerFixture.charge("m", 50_000, source: .priced),
      LedgerFixture.charge("m", 60_000, source: .reported), LedgerFixture.charge("m", 90_000, source: .priced),
      LedgerFixture.charge("m", 95_000, source: .bound),
    ] {
      try fixture.ledger.meter(
        id, of: .web, charges: [charge], tenant: fixture.rules(.web, Self.dollar), fleet: fixture.fleet,
        now: fixture.now)
    }
    #expect(try fixture.state(.web, Self.dollar).usd.spent == 60_000)
  }

  @Test func `a run over midnight is charged to the day it began, and is held against the new one`() throws {
    let fixture = try LedgerFixture()
    fixture.pass(43_200 - 60)
    let id = try #require(try fixture.reserve(fixture.request(), worst: 600_000, caps: Self.dollar).granted)
    fixture.pass(120)
    #expect(try fixture.state(.web, Self.dollar).usd == BudgetAxisState(spent: 0, reserved: 600_000, cap: 1_000_000))
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 500_000)], now: fixture.now)
    #expect(try fixture.state(.web, Self.dollar).usd == BudgetAxisState(spent: 0, reserved: 0, cap: 1_000_000))
    #expect(try fixture.ledger.totals(of: .tenant(.web), on: CivilDate("2026-07-27")!).usd.micros == 500_000)
  }

  @Test func `what a worker's end says is felt by the day in force`() throws {
    let fixture = try LedgerFixture()
    fixture.fleet.caps = Self.dollar
    var open: [ReservationID] = []
    for _ in 0..<2 {
      open.append(
        try #require(try fixture.reserve(fixture.request(kind: .worker), worst: 300_000, caps: Self.dollar).granted))
    }
    // Nobody looked at the days in between.
    fixture.pass(86_400)
    let rules = [fixture.rules(.web, Self.dollar), fixture.fleet]
    _ = try fixture.ledger.states(rules, now: fixture.now)
    try fixture.ledger.settle(open[0], of: .web, charges: [LedgerFixture.charge("e", 200_000)], now: fixture.now)
    try fixture.ledger.bind(open[1], of: .web, now: fixture.now)
    for state in try fixture.ledger.states(rules, now: fixture.now) {
      #expect(state.usd == BudgetAxisState(spent: 500_000, reserved: 0, cap: 1_000_000))
    }
    // The truth replaces a bound where that was booked.
    fixture.pass(86_400)
    try fixture.ledger.settle(open[1], of: .web, charges: [LedgerFixture.charge("f", 100_000)], now: fixture.now)
    #expect(try fixture.ledger.totals(of: .fleet, on: CivilDate("2026-07-28")!).usd.micros == 300_000)
    #expect(try fixture.ledger.audited() == [])
  }

  @Test func `what nobody held money for is charged to the day, once, and to nobody's worker`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, Self.dollar)
    func book(_ events: [String]) throws {
      try fixture.ledger.bookUnattributed(
        events.map { LedgerFixture.charge($0, 300_000) }, of: .web, tenant: rules, fleet: fixture.fleet,
        now: fixture.now)
    }
    // A worker's own event, met again in the home, stays the worker's.
    let request = fixture.request(kind: .worker)
    let id = try #require(try fixture.reserve(request, worst: 300_000, caps: Self.dollar).granted)
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("own", 300_000)], now: fixture.now)
    for _ in 0..<2 { try book(["own", "a", "b"]) }
    #expect(try fixture.state(.web, Self.dollar).usd == BudgetAxisState(spent: 900_000, reserved: 0, cap: 1_000_000))
    fixture.pass(86_400)
    try book(["b", "c"])
    #expect(try fixture.state(.web, Self.dollar).usd.spent == 300_000)
    #expect(try fixture.ledger.openReservations() == [])
    #expect(try fixture.ledger.audited() == [])
    let today = try fixture.state(.web, Self.dollar).day.date
    let rows = try fixture.ledger.rows(from: today.advanced(by: -1), through: today)
    #expect(
      rows.map { "\($0.runner) \($0.worker ?? "-") \($0.usd)" } == [
        "unattributed - $0.30", "unattributed - $0.60", "claude - $0.30",
      ])
  }

  @Test func `what no bill can be stays a whole number`() throws {
    let fixture = try LedgerFixture()
    for run in 0..<3 {
      let id = try #require(try fixture.reserve(fixture.request(), worst: 1000, caps: .none).granted)
      let absurd = Charge(
        eventID: "e\(run)", source: .reported, usd: MicroUSD(micros: .max),
        tokens: ChargedTokens(input: .max, cacheRead: .max, cacheWrite: .max, output: .max))
      try fixture.ledger.settle(id, of: .web, charges: [absurd], now: fixture.now)
    }
    let state = try fixture.state(.web, BudgetCaps(usd: MicroUSD(micros: 5)))
    #expect(state.usd.spent == 3_000_000_000_000_000)
    #expect(state.standing == .held)
  }

  @Test func `a freeze, a pause and a drain stop reservations until they are lifted`() throws {
    let fixture = try LedgerFixture()
    try fixture.ledger.give(.freeze, to: .fleet, actor: "alice", via: "cli", now: fixture.now)
    try fixture.ledger.give(.pause, to: .tenant(.web), actor: "bob", via: "cli", reason: "lunch", now: fixture.now)
    fixture.reopen()
    #expect(
      try fixture.reserve(fixture.request(), worst: 1, caps: .none).refusal?.reason == "the fleet is frozen by alice")
    #expect(try fixture.ledger.lift(.freeze, from: .fleet, actor: "alice", via: "cli", now: fixture.now))
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: .none).refusal?.reason == "web is paused by bob")
    #expect(try fixture.reserve(fixture.request(.api), worst: 1, caps: .none).granted != nil)
    #expect(try fixture.ledger.lift(.pause, from: .tenant(.web), actor: "bob", via: "cli", now: fixture.now))
    #expect(try !fixture.ledger.lift(.pause, from: .tenant(.web), actor: "bob", via: "cli", now: fixture.now))
    try fixture.ledger.give(.drain, to: .fleet, actor: "alice", via: "cli", now: fixture.now)
    fixture.reopen()
    #expect(
      try fixture.reserve(fixture.request(), worst: 1, caps: .none).refusal?.reason == "the fleet is drained by alice")
    #expect(try fixture.ledger.lift(.drain, from: .fleet, actor: "alice", via: "cli", now: fixture.now))
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: .none).granted != nil)
    #expect(
      try fixture.ledger.auditLog().map { "\($0.actor) \($0.action) \($0.scope)" } == [
        "alice lift drain the fleet", "alice drain the fleet", "bob lift pause web", "alice lift freeze the fleet",
        "bob pause web", "alice freeze the fleet",
      ])
  }

  @Test func `a ledger from before the drain keeps its orders and takes the new one`() throws {
    let fixture = try LedgerFixture()
    try fixture.ledger.give(.freeze, to: .fleet, actor: "alice", via: "cli", now: fixture.now)
    fixture.ledger.close()
    let old = """
      DELETE FROM grdb_migrations WHERE identifier IN ('2 drain', '3 stopped runs');
      ALTER TABLE orders RENAME TO later;
      CREATE TABLE orders (
        scope TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('pause', 'freeze')),
        at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, reason TEXT,
        PRIMARY KEY (scope, kind)) WITHOUT ROWID;
      INSERT INTO orders SELECT * FROM later;
      DROP TABLE later;
      """
    try #require(Shell.run("sqlite3 '\(fixture.path)'", input: old) != nil)
    fixture.reopen()
    try fixture.ledger.give(.drain, to: .fleet, actor: "bob", via: "cli", now: fixture.now)
    #expect(try fixture.ledger.orders().map { "\($0.order) \($0.actor)" }.sorted() == ["drain bob", "freeze alice"])
  }
}
