import Tenant
import Testing

@testable import Fleet

/// What stays of a day's money: reports, corrected prices, what is forgotten, and the log of what people did.
@Suite struct BudgetReportTests {
  private static func usd(_ dollars: Double) -> MicroUSD { MicroUSD(reported: dollars)! }

  @Test func `a report attributes each cent, and its table is safe to open`() throws {
    let fixture = try LedgerFixture()
    var request = fixture.request(run: "t1")
    request.goal = #"=HYPERLINK("evil"),x"#
    let tick = try #require(
      try fixture.ledger.reserve(
        request, worstCase: BudgetAmounts(usd: Self.usd(1), decides: 1), tenant: fixture.rules(.web, .none),
        fleet: fixture.fleet, prices: .shipped, now: fixture.now
      ).granted)
    try fixture.ledger.settle(
      tick, of: .web,
      charges: [
        Charge(
          eventID: "t1", source: .priced, unpriced: true, usd: Self.usd(0.5),
          tokens: ChargedTokens(input: 5, cacheRead: 6, cacheWrite: 7, output: 8), model: "gpt-99")
      ], now: fixture.now)
    let other = try #require(try fixture.reserve(fixture.request(), worst: 1000, caps: .none).granted)
    try fixture.ledger.bind(other, of: .web, now: fixture.now)
    let today = CivilDate("2026-07-27")!
    let rows = try fixture.ledger.rows(from: today.advanced(by: -6), through: today)
    #expect(
      BudgetCSV.text(rows)
        == """
        day,tenant,kind,goal,worker,runner,model,source,unpriced,usd,input,cache_read,cache_write,output,decides,runs\r
        2026-07-27,web,tick,"'=HYPERLINK(""evil""),x",,claude,gpt-99,priced,yes,0.50,5,6,7,8,1,1\r
        2026-07-27,web,tick,,,claude,sonnet,bound,no,0.001,1000,0,0,0,1,1\r\n
        """)
    #expect(
      rows.last?.json.compact
        == #"{"day":"2026-07-27","decides":1,"goal":null,"kind":"tick","model":"sonnet","runner":"claude","runs":1,"source":"bound","tenant":"web","tokens":{"cache_read":0,"cache_write":0,"input":1000,"output":0},"unpriced":false,"usd":0.001,"worker":null}"#
    )
    #expect(try fixture.ledger.rows(from: today, through: today, tenant: .api) == [])
  }

  @Test func `a corrected price changes the past's priced charges only`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(kind: .worker), worst: 1_000_000, caps: .none).granted)
    try fixture.ledger.settle(
      id, of: .web,
      charges: [
        Charge(
          eventID: "a", source: .priced, unpriced: true, usd: Self.usd(9), tokens: ChargedTokens(output: 1_000_000),
          model: "house-model"),
        LedgerFixture.charge("b", 70_000),
      ], now: fixture.now)
    let today = CivilDate("2026-07-27")!
    let table = PriceTable.shipped.overridden(by: [
      ModelPrice(
        model: "house-model", from: CivilDate(ordinal: 0), input: 0, cacheRead: 0, cacheWrite: 0, cacheWriteLong: 0,
        output: 2_000_000)
    ])
    #expect(try fixture.ledger.follow(.shipped, today: today) == 1, "the first time it looks at all")
    #expect(try fixture.ledger.follow(table, today: today) == 1)
    #expect(try fixture.ledger.follow(table, today: today) == 0)
    #expect(table.fingerprint != PriceTable.shipped.fingerprint)
    #expect(try fixture.state(.web, .none).usd.spent == 2_070_000)
    #expect(try fixture.ledger.audited() == [])
  }

  @Test func `old charges are forgotten, their totals are not`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(), worst: 1000, caps: .none).granted)
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 500)], now: fixture.now)
    let today = CivilDate("2026-07-27")!
    #expect(try fixture.ledger.forget(before: today.advanced(by: 1)) == 1)
    #expect(try fixture.ledger.rows(from: today, through: today) == [])
    #expect(try fixture.ledger.totals(of: .tenant(.web), on: today).usd.micros == 500)
    #expect(try fixture.ledger.audited() == [], "what was forgotten is no difference")
  }

  @Test func `the edge of what is forgotten may lie between two calendars`() throws {
    let fixture = try LedgerFixture()
    // 12 hours ahead of the fleet: its 28th begins on the fleet's 27th.
    let ahead = BudgetRules(
      scope: .tenant(.api), caps: .none, zone: ZoneRules(name: "ahead", offsetSeconds: 43_200))
    for hours in [0, 12] as [Int64] {
      fixture.pass(hours * 3600)
      let request = fixture.request(.api)
      guard
        case .granted(let id, _, _) = try fixture.ledger.reserve(
          request, worstCase: BudgetAmounts(usd: MicroUSD(micros: 10)), tenant: ahead, fleet: fixture.fleet,
          prices: .shipped, now: fixture.now)
      else { continue }
      try fixture.ledger.settle(id, of: .api, charges: [LedgerFixture.charge(request.runID, 10)], now: fixture.now)
    }
    for day in 25...32 as ClosedRange<Int64> {
      try fixture.ledger.forget(before: CivilDate("2026-07-01")!.advanced(by: day))
      #expect(try fixture.ledger.audited() == [], "July \(day)")
    }
  }

  @Test func `a clock that shows another year forgets nothing`() throws {
    let fixture = try LedgerFixture()
    let id = try #require(try fixture.reserve(fixture.request(), worst: 1000, caps: .none).granted)
    try fixture.ledger.settle(id, of: .web, charges: [LedgerFixture.charge("e", 500)], now: fixture.now)
    let day = CivilDate("2026-07-27")!
    #expect(try fixture.ledger.forgetOld(today: day) == 0)
    #expect(try fixture.ledger.forgetOld(today: day.advanced(by: 9000)) == 0)
    #expect(try fixture.ledger.forgetOld(today: day.advanced(by: Ledger.retention)) == 0)
    #expect(try fixture.ledger.rows(from: day, through: day).count == 1)
    // By its own time it goes: one round after the other.
    #expect(try fixture.ledger.forgetOld(today: day.advanced(by: Ledger.retention + 1)) == 1)
    #expect(try fixture.ledger.rows(from: day, through: day) == [])
  }

  @Test func `the audit log cannot be changed`() throws {
    let fixture = try LedgerFixture()
    try fixture.ledger.give(.pause, to: .tenant(.web), actor: "bob", via: "cli", now: fixture.now)
    #expect(throws: LedgerError.self) { try fixture.ledger.execute(sql: "DELETE FROM audit") }
    #expect(throws: LedgerError.self) { try fixture.ledger.execute(sql: "UPDATE audit SET actor = 'eve'") }
    #expect(try fixture.ledger.auditLog().map(\.actor) == ["bob"])
  }

  @Test func `notes are kept by key`() throws {
    let fixture = try LedgerFixture()
    try fixture.ledger.note("delivery/web/a", "1")
    try fixture.ledger.note("delivery/web/b", "2")
    try fixture.ledger.note("other", "3")
    try fixture.ledger.note("delivery/web/a", "4")
    try fixture.ledger.note("other", nil)
    fixture.reopen()
    #expect(try fixture.ledger.notes(prefix: "delivery/") == ["delivery/web/a": "4", "delivery/web/b": "2"])
    #expect(try fixture.ledger.note("other") == nil)
  }
}
