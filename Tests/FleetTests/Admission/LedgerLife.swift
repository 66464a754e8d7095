import TestSupport

@testable import Fleet
@testable import Tenant

/// One random life of a ledger, by its seed: reservations, settlements, crashes, reboots, clock steps, summer times and raises in any
/// order, beside a model that knows by other means what must be true.
struct LedgerLife {
  /// Plain sums in memory.
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

  /// What is not as it must be, and in which life: the seed makes it happen again.
  struct Discrepancy: Error, CustomStringConvertible {
    var description: String
  }

  /// Noon, and the evenings before the clocks change in Berlin and in Auckland.
  private static let beginnings: [Int64] = [1_785_153_600, 1_774_735_200, 1_792_879_200, 1_775_296_800]
  private static let tenants: [TenantID] = ["web", "api", "doc"].map { TenantID($0)! }
  private static let cap: Int64 = 1_000_000
  private static let caps = BudgetCaps(usd: MicroUSD(micros: cap))
  private static let length = 30
  /// Each step is held against the model; the dearer looks are taken so often, and at the end.
  private static let wholeLookEvery = 10

  private let seed: UInt64
  private let fixture: LedgerFixture
  private var random: SeededGenerator
  private var model = Model()
  private var step = 0

  init(seed: UInt64) throws {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    fixture = try LedgerFixture(inMemory: true)
    fixture.fleet.caps = BudgetCaps(usd: MicroUSD(micros: Self.cap * 2))
    // Where the host has no zone data all live by UTC.
    fixture.zones[Self.tenants[1]] = Self.zones[0]
    fixture.zones[Self.tenants[2]] = Self.zones[1]
    fixture.now = ClockReading(
      wall: Self.beginnings.randomElement(using: &random)!, sinceBoot: 1000, bootID: "boot-0")
  }

  private static let zones = ["Europe/Berlin", "Pacific/Auckland"].map { ZoneDirectory.system.zone($0) }

  mutating func run() throws {
    while step < Self.length {
      try live()
      try check()
      step += 1
      if step % Self.wholeLookEvery == 0 { try checkWhole() }
    }
  }

  // MARK: - One step

  private mutating func live() throws {
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<7: try reserve()
    case 7..<11: try settle()
    case 11: try bind()
    case 12: try release()
    case 13, 14: try meter()
    case 15, 16: stepClock()
    case 17: try raise()
    case 18:
      // The machine boots: its own clock begins anew, the wall may show anything.
      let off = Int64.random(in: -90_000...90_000, using: &random)
      fixture.now = ClockReading(wall: fixture.now.wall + off, sinceBoot: 20, bootID: "boot-\(step)")
      fixture.reopen()
    default: fixture.reopen()
    }
  }

  private mutating func reserve() throws {
    let tenant = Self.tenants.randomElement(using: &random)!
    let kind: RunKind = Bool.random(using: &random) ? .tick : .worker
    let worst = Int64.random(in: 1...400_000, using: &random)
    let request = fixture.request(tenant, kind: kind, run: "run-\(step)")
    let answer = try fixture.reserve(request, worst: worst, caps: Self.caps)
    guard case .granted(let id, _, let budget) = answer else { return }
    try expect(model.open[id] == nil, "a number is given once")
    let fleet = try fixture.ledger.state(fixture.fleet, now: fixture.now)
    try expect(
      budget.usd.committed <= budget.usd.cap! && fleet.usd.committed <= fleet.usd.cap!, "a grant fits below every cap")
    try expect(
      try fixture.reserve(request, worst: worst, caps: Self.caps).granted == id, "asked again, it is the same hold")
    model.open[id] = Model.Hold(
      tenant: tenant, worst: worst, kind: kind, day: budget.day.date, fleetDay: fleet.day.date)
  }

  private mutating func settle() throws {
    guard let (id, hold) = model.any(&random) else { return }
    let usd = Int64.random(in: 0...(hold.worst - hold.charged), using: &random)
    let charge = LedgerFixture.charge("end/\(id)", usd)
    for _ in 0..<2 { try fixture.ledger.settle(id, of: hold.tenant, charges: [charge], now: fixture.now) }
    model.spend(usd, hold)
    model.open[id] = nil
  }

  private mutating func bind() throws {
    guard let (id, hold) = model.any(&random) else { return }
    try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
    try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
    model.spend(hold.worst - hold.charged, hold)
    model.open[id] = nil
  }

  private mutating func release() throws {
    guard let (id, hold) = model.any(&random, where: { $0.charged == 0 }) else { return }
    try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
    try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
    model.open[id] = nil
  }

  private mutating func meter() throws {
    guard let (id, hold) = model.any(&random, where: { $0.kind == .worker }) else { return }
    let usd = Int64.random(in: 0...(hold.worst - hold.charged), using: &random)
    let events = [LedgerFixture.charge("m/\(step)", usd), LedgerFixture.charge("m/\(step)", usd / 2)]
    try fixture.ledger.meter(
      id, of: hold.tenant, charges: events, tenant: fixture.rules(hold.tenant, Self.caps), fleet: fixture.fleet,
      now: fixture.now)
    var now = hold
    now.day = try fixture.state(hold.tenant, Self.caps).day.date
    now.fleetDay = try fixture.ledger.state(fixture.fleet, now: fixture.now).day.date
    model.spend(usd, now)
    model.open[id]?.charged += usd
  }

  /// Forwards, backwards, or on by a little; the boot clock always goes on.
  private mutating func stepClock() {
    let steps: [Int64] = [60, 3600, 40_000, 86_400, -3600, -86_400, 400 * 86_400, -400 * 86_400]
    let jump = steps.randomElement(using: &random)!
    fixture.now = ClockReading(
      wall: fixture.now.wall + jump, sinceBoot: fixture.now.sinceBoot + max(60, min(jump, 40_000)),
      bootID: fixture.now.bootID)
  }

  private mutating func raise() throws {
    let tenant = Self.tenants.randomElement(using: &random)!
    let rules = Int.random(in: 0..<5, using: &random) == 0 ? fixture.fleet : fixture.rules(tenant, Self.caps)
    let amount = Int64.random(in: 1...200_000, using: &random)
    let raise = BudgetRaise(
      scope: rules.scope, amounts: BudgetAmounts(usd: MicroUSD(micros: amount)), actor: "alice", via: "cli",
      request: "raise-\(step)")
    try expect(try fixture.ledger.raise(raise, rules: rules, now: fixture.now), "a new raise counts")
    try expect(try !fixture.ledger.raise(raise, rules: rules, now: fixture.now), "and once only")
    let day = try fixture.ledger.state(rules, now: fixture.now).day.date
    model.raised[rules.scope, default: [:]][day, default: 0] += amount
  }

  // MARK: - What must be true

  private func check() throws {
    let states = try fixture.ledger.states(all, now: fixture.now)
    for (tenant, state) in zip(Self.tenants, states) {
      let held = model.open.values.filter { $0.tenant == tenant }.map { $0.worst - $0.charged }.reduce(0, +)
      try expect(state.usd.reserved == held, "\(tenant) holds \(state.usd.reserved), not \(held)")
      let spent = model.spent[tenant]?[state.day.date] ?? 0
      try expect(state.usd.spent == spent, "\(tenant) spent \(state.usd.spent), not \(spent)")
      let cap = Self.cap + (model.raised[.tenant(tenant)]?[state.day.date] ?? 0)
      try expect(state.usd.cap == cap, "\(tenant) may spend \(state.usd.cap ?? -1), not \(cap)")
    }
    let fleet = states[Self.tenants.count]
    try expect(fleet.usd.spent == model.spentByFleet[fleet.day.date] ?? 0, "the fleet's day is all tenants'")
    try expect(fleet.usd.cap == Self.cap * 2 + (model.raised[.fleet]?[fleet.day.date] ?? 0), "the fleet's cap")
  }

  private func checkWhole() throws {
    let open = try fixture.ledger.openReservations()
    try expect(Set(open.map(\.id)) == Set(model.open.keys), "no hold is lost, none comes back")
    for reservation in open {
      let hold = model.open[reservation.id]
      try expect(reservation.left.usd.micros == hold.map { $0.worst - $0.charged }, "a hold is what is not charged yet")
    }
    for tenant in Self.tenants {
      for (day, sum) in model.spent[tenant] ?? [:] {
        try expect(
          try fixture.ledger.totals(of: .tenant(tenant), on: day).usd.micros == sum, "no day of \(tenant) changes")
      }
    }
    for (day, sum) in model.spentByFleet {
      try expect(try fixture.ledger.totals(of: .fleet, on: day).usd.micros == sum, "no day of the fleet changes")
    }
    let one = try all.map { try fixture.ledger.state($0, now: fixture.now) }
    try expect(try fixture.ledger.states(all, now: fixture.now) == one, "one by one or all at once")
    let differences = try fixture.ledger.audited()
    try expect(differences.isEmpty, "\(differences)")
  }

  private var all: [BudgetRules] { Self.tenants.map { fixture.rules($0, Self.caps) } + [fixture.fleet] }

  /// Cheaper than an expectation of the test library, of which a thousand lives have millions.
  private func expect(_ isTrue: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) throws {
    guard try isTrue() else { throw Discrepancy(description: "seed \(seed), step \(step): \(what())") }
  }
}
