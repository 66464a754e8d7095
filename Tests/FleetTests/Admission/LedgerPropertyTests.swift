import TestSupport
import Testing

@testable import Fleet
@testable import Tenant

/// Random lives of a ledger on a real file, each from a seed: whatever the order of reservations, settlements, crashes, reboots, clock
/// steps, summer times and raises, the books are right after every step.
///
/// `LOOOP_TEST_LEDGER_LIVES`: how many of each kind.
@Suite struct LedgerPropertyTests {
  /// What must be true, kept apart from the ledger by other means: plain sums in memory.
  private struct Model {
    struct Hold {
      var tenant: TenantID, worst: Int64, kind: RunKind, day: CivilDate, fleetDay: CivilDate
      var charged: Int64 = 0
    }
    var open: [ReservationID: Hold] = [:]
    var spent: [TenantID: [CivilDate: Int64]] = [:]
    var spentByFleet: [CivilDate: Int64] = [:]
    var raised: [BudgetScope: [CivilDate: Int64]] = [:]

    /// By number, not by hash: a seed is one life.
    func any(
      _ random: inout SeededGenerator, where fits: (Hold) -> Bool = { _ in true }
    ) -> (ReservationID, Hold)? {
      open.filter { fits($0.value) }.sorted { $0.key.number < $1.key.number }.randomElement(using: &random)
        .map { ($0.key, $0.value) }
    }

    mutating func spend(_ usd: Int64, _ hold: Hold) {
      spent[hold.tenant, default: [:]][hold.day, default: 0] += usd
      spentByFleet[hold.fleetDay, default: 0] += usd
    }
  }

  private static let lives =
    HostEnvironment.current()["LOOOP_TEST_LEDGER_LIVES"].flatMap { UInt64($0) }.map { max(1, $0) } ?? 40

  /// Noon, and the evenings before the clocks change in Berlin and in Auckland.
  private static let beginnings: [Int64] = [1_785_153_600, 1_774_735_200, 1_792_879_200, 1_775_296_800]

  private static let tenants: [TenantID] = ["web", "api", "doc"].map { TenantID($0)! }
  private static let cap: Int64 = 1_000_000

  @Test(arguments: 0..<lives)
  func `spend and holds stay below every cap, and no hold is lost or doubled`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try LedgerFixture()
    let caps = BudgetCaps(usd: MicroUSD(micros: Self.cap))
    fixture.fleet.caps = BudgetCaps(usd: MicroUSD(micros: Self.cap * 2))
    // Where the host has no zone data all live by UTC.
    fixture.zones[Self.tenants[1]] = ZoneDirectory.system.zone("Europe/Berlin")
    fixture.zones[Self.tenants[2]] = ZoneDirectory.system.zone("Pacific/Auckland")
    fixture.now = ClockReading(
      wall: Self.beginnings.randomElement(using: &random)!, sinceBoot: 1000, bootID: "boot-0")
    var model = Model()
    for step in 0..<60 {
      let tenant = Self.tenants.randomElement(using: &random)!
      let rules = step % 5 == 0 ? fixture.fleet : fixture.rules(tenant, caps)
      switch Int.random(in: 0..<16, using: &random) {
      case 0..<5:
        let kind: RunKind = Bool.random(using: &random) ? .tick : .worker
        let worst = Int64.random(in: 1...400_000, using: &random)
        let answer = try fixture.reserve(
          fixture.request(tenant, kind: kind, run: "run-\(step)"), worst: worst, caps: caps)
        guard case .granted(let id, _, let budget) = answer else { break }
        #expect(model.open[id] == nil, "a number is given once")
        let fleet = try fixture.ledger.state(fixture.fleet, now: fixture.now)
        #expect(budget.usd.committed <= budget.usd.cap! && fleet.usd.committed <= fleet.usd.cap!)
        model.open[id] = Model.Hold(
          tenant: tenant, worst: worst, kind: kind, day: budget.day.date, fleetDay: fleet.day.date)
      case 5..<8:
        guard let (id, hold) = model.any(&random) else { break }
        let usd = Int64.random(in: 0...(hold.worst - hold.charged), using: &random)
        let charge = LedgerFixture.charge("end/\(id)", usd)
        try fixture.ledger.settle(id, of: hold.tenant, charges: [charge], now: fixture.now)
        try fixture.ledger.settle(id, of: hold.tenant, charges: [charge], now: fixture.now)
        model.spend(usd, hold)
        model.open[id] = nil
      case 8:
        guard let (id, hold) = model.any(&random) else { break }
        try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
        try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
        model.spend(hold.worst - hold.charged, hold)
        model.open[id] = nil
      case 9:
        guard let (id, hold) = model.any(&random, where: { $0.charged == 0 }) else { break }
        try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
        try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
        model.open[id] = nil
      case 10:
        guard let (id, hold) = model.any(&random, where: { $0.kind == .worker }) else { break }
        let usd = Int64.random(in: 0...(hold.worst - hold.charged), using: &random)
        let events = [LedgerFixture.charge("m/\(step)", usd), LedgerFixture.charge("m/\(step)", usd / 2)]
        try fixture.ledger.meter(
          id, of: hold.tenant, charges: events, tenant: fixture.rules(hold.tenant, caps), fleet: fixture.fleet,
          now: fixture.now)
        var now = hold
        now.day = try fixture.state(hold.tenant, caps).day.date
        now.fleetDay = try fixture.ledger.state(fixture.fleet, now: fixture.now).day.date
        model.spend(usd, now)
        model.open[id]?.charged += usd
      case 11:
        // Forwards, backwards, or on by a little; the boot clock always goes on.
        let steps: [Int64] = [60, 3600, 40_000, 86_400, -3600, -86_400, 400 * 86_400, -400 * 86_400]
        let jump = steps.randomElement(using: &random)!
        fixture.now = ClockReading(
          wall: fixture.now.wall + jump, sinceBoot: fixture.now.sinceBoot + max(60, min(jump, 40_000)),
          bootID: fixture.now.bootID)
      case 12:
        let amount = Int64.random(in: 1...200_000, using: &random)
        let raise = BudgetRaise(
          scope: rules.scope, amounts: BudgetAmounts(usd: MicroUSD(micros: amount)), actor: "alice", via: "cli",
          request: "raise-\(step)")
        #expect(try fixture.ledger.raise(raise, rules: rules, now: fixture.now))
        #expect(try !fixture.ledger.raise(raise, rules: rules, now: fixture.now))
        let day = try fixture.ledger.state(rules, now: fixture.now).day.date
        model.raised[rules.scope, default: [:]][day, default: 0] += amount
      case 13:
        // The machine boots: its own clock begins anew, the wall may show anything.
        let off = Int64.random(in: -90_000...90_000, using: &random)
        fixture.now = ClockReading(wall: fixture.now.wall + off, sinceBoot: 20, bootID: "boot-\(step)")
        fixture.reopen()
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
      #expect(state.usd.cap == Self.cap + (model.raised[.tenant(tenant)]?[state.day.date] ?? 0))
      for (day, sum) in model.spent[tenant] ?? [:] {
        let day = try fixture.ledger.totals(of: .tenant(tenant), on: day)
        #expect(day.usd.micros == sum)
      }
    }
    for (day, sum) in model.spentByFleet {
      let total = try fixture.ledger.totals(of: .fleet, on: day)
      #expect(total.usd.micros == sum)
    }
    let fleet = try fixture.ledger.state(fixture.fleet, now: fixture.now)
    #expect(fleet.usd.cap == Self.cap * 2 + (model.raised[.fleet]?[fleet.day.date] ?? 0))
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
  @Test(arguments: 100..<100 + max(1, lives * 5 / 8))
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
