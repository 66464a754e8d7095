import TestSupport
import Testing

@testable import Fleet
@testable import Tenant

/// Random lives of a ledger on a real file, each from a seed: whatever the order of reservations, settlements, crashes, clock
/// steps and raises, the books are right after every step.
@Suite struct LedgerPropertyTests {
  /// What must be true, kept apart from the ledger by other means: plain sums in memory.
  private struct Model {
    var open: [ReservationID: (tenant: TenantID, worst: Int64, kind: RunKind, day: CivilDate, charged: Int64)] = [:]
    var bound: [ReservationID: (tenant: TenantID, day: CivilDate)] = [:]
    var spent: [TenantID: [CivilDate: Int64]] = [:]
    var raised: [TenantID: [CivilDate: Int64]] = [:]
    var closed = 0
  }

  private static let tenants: [TenantID] = ["web", "api", "doc"].map { TenantID($0)! }
  private static let cap: Int64 = 1_000_000

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `spend and holds stay below every cap, and no hold is lost or doubled`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try LedgerFixture()
    let caps = BudgetCaps(usd: MicroUSD(micros: Self.cap))
    fixture.fleet.caps = BudgetCaps(usd: MicroUSD(micros: Self.cap * 2))
    var model = Model()
    for step in 0..<60 {
      let tenant = Self.tenants.randomElement(using: &random)!
      let rules = fixture.rules(tenant, caps)
      switch Int.random(in: 0..<14, using: &random) {
      case 0..<5:
        let kind: RunKind = Bool.random(using: &random) ? .tick : .worker
        let worst = Int64.random(in: 1...400_000, using: &random)
        let answer = try fixture.reserve(
          fixture.request(tenant, kind: kind, run: "run-\(step)"), worst: worst, caps: caps)
        guard case .granted(let id, _, let budget) = answer else { break }
        #expect(model.open[id] == nil, "a number is given once")
        model.open[id] = (tenant, worst, kind, budget.day.date, 0)
      case 5..<8:
        guard let (id, hold) = model.open.randomElement(using: &random) else { break }
        let usd = Int64.random(in: 0...(hold.worst - hold.charged), using: &random)
        let charge = LedgerFixture.charge("end/\(id)", usd)
        try fixture.ledger.settle(id, of: hold.tenant, charges: [charge], now: fixture.now)
        try fixture.ledger.settle(id, of: hold.tenant, charges: [charge], now: fixture.now)
        model.spent[hold.tenant, default: [:]][hold.day, default: 0] += usd
        model.open[id] = nil
        model.closed += 1
      case 8:
        guard let (id, hold) = model.open.randomElement(using: &random) else { break }
        try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
        try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
        model.spent[hold.tenant, default: [:]][hold.day, default: 0] += hold.worst - hold.charged
        model.open[id] = nil
        model.bound[id] = (hold.tenant, hold.day)
        model.closed += 1
      case 9:
        guard let (id, hold) = model.open.randomElement(using: &random), hold.charged == 0 else { break }
        try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
        try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
        model.open[id] = nil
        model.closed += 1
      case 10:
        guard let (id, hold) = model.open.filter({ $0.value.kind == .worker }).randomElement(using: &random) else {
          break
        }
        let usd = Int64.random(in: 0...(hold.worst - hold.charged), using: &random)
        let events = [LedgerFixture.charge("m/\(step)", usd), LedgerFixture.charge("m/\(step)", usd / 2)]
        try fixture.ledger.meter(
          id, of: hold.tenant, charges: events, tenant: fixture.rules(hold.tenant, caps), fleet: fixture.fleet,
          now: fixture.now)
        let day = try fixture.state(hold.tenant, caps).day.date
        model.spent[hold.tenant, default: [:]][day, default: 0] += usd
        model.open[id]?.charged += usd
      case 11:
        // Forwards, backwards, or on by a little; the boot clock always goes on.
        let steps: [Int64] = [60, 3600, 40_000, 86_400, -3600, -86_400, 400 * 86_400, -400 * 86_400]
        let jump = steps.randomElement(using: &random)!
        fixture.now = ClockReading(
          wall: fixture.now.wall + jump, sinceBoot: fixture.now.sinceBoot + max(60, min(jump, 40_000)), bootID: "boot-1"
        )
      case 12:
        let amount = Int64.random(in: 1...200_000, using: &random)
        let raise = BudgetRaise(
          scope: .tenant(tenant), amounts: BudgetAmounts(usd: MicroUSD(micros: amount)), actor: "alice", via: "cli",
          request: "raise-\(step)")
        #expect(try fixture.ledger.raise(raise, rules: rules, now: fixture.now))
        #expect(try !fixture.ledger.raise(raise, rules: rules, now: fixture.now))
        let day = try fixture.state(tenant, caps).day.date
        model.raised[tenant, default: [:]][day, default: 0] += amount
      default: fixture.reopen()
      }
      try check(fixture, model, caps)
    }
  }

  private func check(_ fixture: LedgerFixture, _ model: Model, _ caps: BudgetCaps) throws {
    let open = try fixture.ledger.openReservations()
    #expect(Set(open.map(\.id)) == Set(model.open.keys), "no hold is lost, none comes back")
    for reservation in open {
      let hold = try #require(model.open[reservation.id])
      #expect(reservation.left.usd.micros == hold.worst - hold.charged)
    }
    for tenant in Self.tenants {
      let state = try fixture.state(tenant, caps)
      let held = model.open.values.filter { $0.tenant == tenant }.map { $0.worst - $0.charged }.reduce(0, +)
      let spent = model.spent[tenant]?[state.day.date] ?? 0
      #expect(state.usd.reserved == held)
      #expect(state.usd.spent == spent)
      #expect(state.usd.cap == Self.cap + (model.raised[tenant]?[state.day.date] ?? 0))
      for (day, sum) in model.spent[tenant] ?? [:] {
        let day = try fixture.ledger.totals(of: .tenant(tenant), on: day)
        #expect(day.usd.micros == sum)
      }
    }
    let all = Self.tenants.map { fixture.rules($0, caps) } + [fixture.fleet]
    let states = try fixture.ledger.states(all, now: fixture.now)
    #expect(try states == all.map { try fixture.ledger.state($0, now: fixture.now) }, "one by one or all at once")
    #expect(try fixture.ledger.audited() == [])
  }

  @Test func `a thousand budgets are one short reading`() throws {
    let fixture = try LedgerFixture()
    let rules = (0..<1000).map {
      fixture.rules(TenantID("tenant-\($0)")!, BudgetCaps(usd: MicroUSD(micros: 1_000_000)))
    }
    for rules in rules.prefix(50) {
      guard case .tenant(let tenant) = rules.scope else { continue }
      _ = try fixture.reserve(fixture.request(tenant), worst: 1000, caps: rules.caps)
    }
    _ = try fixture.ledger.states(rules, now: fixture.now)
    var best = Duration.seconds(60)
    for _ in 0..<5 {
      fixture.pass(1)
      best = min(best, try ContinuousClock().measure { _ = try fixture.ledger.states(rules, now: fixture.now) })
    }
    // In a debug build on a busy machine; a release build takes a tenth.
    #expect(best < .milliseconds(250), "\(best)")
  }

  /// The cap itself: every day of every tenant, over lives with one clock that only goes forward.
  @Test(arguments: 100..<125 as Range<UInt64>)
  func `no day takes more than its cap and its raises`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try LedgerFixture()
    let caps = BudgetCaps(usd: MicroUSD(micros: Self.cap), decides: 12)
    var raised: [CivilDate: Int64] = [:]
    var open: [(id: ReservationID, worst: Int64)] = []
    var days: Set<CivilDate> = []
    for step in 0..<120 {
      let day = try fixture.state(.web, caps).day.date
      days.insert(day)
      switch Int.random(in: 0..<8, using: &random) {
      case 0..<4:
        let worst = Int64.random(in: 1...500_000, using: &random)
        if let id = try fixture.reserve(fixture.request(run: "r\(step)"), worst: worst, caps: caps).granted {
          open.append((id, worst))
        }
      case 4, 5:
        guard let hold = open.popLast() else { break }
        if Bool.random(using: &random) {
          try fixture.ledger.bind(hold.id, of: .web, now: fixture.now)
        } else {
          let usd = Int64.random(in: 0...hold.worst, using: &random)
          try fixture.ledger.settle(
            hold.id, of: .web, charges: [LedgerFixture.charge("\(hold.id)", usd)], now: fixture.now)
        }
      case 6: fixture.pass(Int64.random(in: 0...30_000, using: &random))
      default:
        if Int.random(in: 0..<6, using: &random) == 0 {
          try fixture.ledger.raise(
            BudgetRaise(
              scope: .tenant(.web), amounts: BudgetAmounts(usd: MicroUSD(micros: 50_000)), actor: "a", via: "cli"),
            rules: fixture.rules(.web, caps), now: fixture.now)
          raised[day, default: 0] += 50_000
        } else {
          fixture.reopen()
        }
      }
      let state = try fixture.state(.web, caps)
      #expect(state.usd.committed <= state.usd.cap!)
      #expect(state.decides.committed <= 12)
    }
    for day in days {
      let total = try fixture.ledger.totals(of: .tenant(.web), on: day)
      #expect(total.usd.micros <= Self.cap + (raised[day] ?? 0))
      #expect(total.decides <= 12)
    }
  }
}
