import TestSupport

@testable import Fleet
@testable import Tenant

/// One random life of a ledger, by its seed: reservations (of a worst case that is named, or estimated), settlements below and above their
/// holds, crashes, reboots, clock steps, summer times and raises in any order, on three axes, some of them capped at nothing; beside a
/// model that knows by other means what must be true.
struct LedgerLife {
  /// Plain sums in memory.
  private struct Model {
    struct Hold {
      var tenant: TenantID, worst: BudgetAmounts, kind: RunKind, day: CivilDate, fleetDay: CivilDate
      var charged = BudgetAmounts.zero
      var left: BudgetAmounts { worst.remaining(after: charged) }
    }
    var open: [ReservationID: Hold] = [:]
    var spent: [BudgetScope: [CivilDate: BudgetAmounts]] = [:]
    var raised: [BudgetScope: [CivilDate: BudgetAmounts]] = [:]

    /// By number, not by hash: a seed is one life.
    func any(
      _ random: inout SeededGenerator, where fits: (Hold) -> Bool = { _ in true }
    ) -> (ReservationID, Hold)? {
      open.filter { fits($0.value) }.sorted { $0.key.number < $1.key.number }.randomElement(using: &random)
        .map { ($0.key, $0.value) }
    }

    mutating func spend(_ amounts: BudgetAmounts, _ hold: Hold) {
      for (scope, day) in [(BudgetScope.tenant(hold.tenant), hold.day), (.fleet, hold.fleetDay)] {
        let before = spent[scope]?[day] ?? .zero
        spent[scope, default: [:]][day] = before + amounts
      }
    }
  }

  /// What is not as it must be, and in which life: the seed makes it happen again.
  struct Discrepancy: Error, CustomStringConvertible {
    var description: String
  }

  /// Noon, and the evenings before the clocks change in Berlin and in Auckland.
  private static let beginnings: [Int64] = [1_785_153_600, 1_774_735_200, 1_792_879_200, 1_775_296_800]
  private static let tenants: [TenantID] = ["web", "api", "doc"].map { TenantID($0)! }
  /// In the unit of each axis. A first worker is held for more than either of the first two.
  private static let cap = BudgetAmounts(usd: MicroUSD(micros: 1_000_000), tokens: 1_000_000, decides: 8)
  private static let length = 30
  /// Each step is held against the model; the dearer looks are taken so often, and at the end.
  private static let wholeLookEvery = 10

  private let seed: UInt64
  private let fixture: LedgerFixture
  private var random: SeededGenerator
  private var model = Model()
  private var caps: [TenantID: BudgetCaps] = [:]
  private var step = 0

  init(seed: UInt64) throws {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    fixture = try LedgerFixture(inMemory: true)
    fixture.fleet.caps = Self.caps(times: 2, &random)
    for tenant in Self.tenants { caps[tenant] = Self.caps(times: 1, &random) }
    // Where the host has no zone data all live by UTC.
    fixture.zones[Self.tenants[1]] = Self.zones[0]
    fixture.zones[Self.tenants[2]] = Self.zones[1]
    fixture.now = ClockReading(
      wall: Self.beginnings.randomElement(using: &random)!, sinceBoot: 1000, bootID: "boot-0")
  }

  /// Each axis capped for itself: mostly at something, else at nothing or not at all.
  private static func caps(times factor: Int64, _ random: inout SeededGenerator) -> BudgetCaps {
    func axis(_ axis: BudgetAxis) -> Int64? {
      switch Int.random(in: 0..<12, using: &random) {
      case 0: 0
      case 1, 2: nil
      default: cap[axis] * factor
      }
    }
    return BudgetCaps(usd: axis(.usd).map { MicroUSD(micros: $0) }, tokens: axis(.tokens), decides: axis(.decides))
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
    let isEstimated = Bool.random(using: &random)
    let worst = BudgetAmounts(
      usd: MicroUSD(micros: .random(in: 1...400_000, using: &random)), tokens: .random(in: 1...300_000, using: &random),
      decides: kind == .tick ? 1 : 0)
    let request = fixture.request(tenant, kind: kind, run: "run-\(step)")
    func ask() throws -> Admission {
      try fixture.ledger.reserve(
        request, worstCase: isEstimated ? nil : worst, tenant: rules(tenant), fleet: fixture.fleet, prices: .shipped,
        now: fixture.now)
    }
    let before = try fixture.ledger.states([rules(tenant), fixture.fleet], now: fixture.now)
    switch try ask() {
    case .granted(let id, let held, let budget):
      try expect(model.open[id] == nil, "a number is given once")
      try expect(isEstimated || held == worst, "what was asked for is held")
      let fleet = try fixture.ledger.state(fixture.fleet, now: fixture.now)
      for axis in BudgetAxis.allCases {
        try expect(
          held[axis] >= (axis == .decides ? worst.decides : 1), "a run with a model takes something of \(axis)")
        for state in [budget[axis], fleet[axis]] where held[axis] > 0 {
          try expect(state.cap.map { state.committed <= $0 } ?? true, "a grant fits below every cap")
        }
      }
      try expect(try ask().granted == id, "asked again, it is the same hold")
      model.open[id] = Model.Hold(
        tenant: tenant, worst: held, kind: kind, day: budget.day.date, fleetDay: fleet.day.date)
    case .refused(let refusal, _):
      guard !isEstimated, let axis = refusal.axis else { break }
      let state = before[refusal.scope == .fleet ? 1 : 0][axis]
      try expect(state.committed + max(1, worst[axis]) > state.cap ?? .max, "nothing is refused that would fit")
    }
  }

  /// What a run turns out to take: mostly less than its hold, at times more.
  private mutating func taken(_ left: BudgetAmounts) -> BudgetAmounts {
    let most: Int64 = Int.random(in: 0..<4, using: &random) == 0 ? 3 : 1
    return BudgetAmounts(
      usd: MicroUSD(micros: .random(in: 0...(left.usd.micros * most), using: &random)),
      tokens: .random(in: 0...(left.tokens * most), using: &random))
  }

  private static func charge(_ event: String, _ amounts: BudgetAmounts) -> Charge {
    LedgerFixture.charge(event, amounts.usd.micros, tokens: amounts.tokens)
  }

  /// A worker is felt by the day in force, a decide by the day that it began on.
  private func today(_ hold: Model.Hold) throws -> Model.Hold {
    guard hold.kind == .worker else { return hold }
    var hold = hold
    let states = try fixture.ledger.states([rules(hold.tenant), fixture.fleet], now: fixture.now)
    (hold.day, hold.fleetDay) = (states[0].day.date, states[1].day.date)
    return hold
  }

  private mutating func settle() throws {
    guard let (id, hold) = model.any(&random) else { return }
    var amounts = taken(hold.left)
    let charged = try today(hold)
    for _ in 0..<2 {
      try fixture.ledger.settle(id, of: hold.tenant, charges: [Self.charge("end/\(id)", amounts)], now: fixture.now)
    }
    amounts.decides = hold.worst.decides
    model.spend(amounts, charged)
    model.open[id] = nil
  }

  private mutating func bind() throws {
    guard let (id, hold) = model.any(&random) else { return }
    let charged = try today(hold)
    try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
    try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
    model.spend(hold.left, charged)
    model.open[id] = nil
  }

  private mutating func release() throws {
    guard let (id, hold) = model.any(&random, where: { $0.charged == .zero }) else { return }
    try fixture.ledger.release(id, of: hold.tenant, now: fixture.now)
    try fixture.ledger.bind(id, of: hold.tenant, now: fixture.now)
    model.open[id] = nil
  }

  private mutating func meter() throws {
    guard let (id, hold) = model.any(&random, where: { $0.kind == .worker }) else { return }
    let amounts = taken(hold.left)
    let half = BudgetAmounts(usd: MicroUSD(micros: amounts.usd.micros / 2), tokens: amounts.tokens / 2)
    try fixture.ledger.meter(
      id, of: hold.tenant, charges: [Self.charge("m/\(step)", amounts), Self.charge("m/\(step)", half)],
      tenant: rules(hold.tenant), fleet: fixture.fleet, now: fixture.now)
    model.spend(amounts, try today(hold))
    model.open[id]?.charged = hold.charged + amounts
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
    let rules = Int.random(in: 0..<5, using: &random) == 0 ? fixture.fleet : rules(tenant)
    let axis = BudgetAxis.allCases.randomElement(using: &random)!
    var amounts = BudgetAmounts.zero
    amounts[axis] = Int64.random(in: 1...(Self.cap[axis] / 4), using: &random)
    let raise = BudgetRaise(
      scope: rules.scope, amounts: amounts, actor: "alice", via: "cli", request: "raise-\(step)")
    try expect(try fixture.ledger.raise(raise, rules: rules, now: fixture.now), "a new raise counts")
    try expect(try !fixture.ledger.raise(raise, rules: rules, now: fixture.now), "and once only")
    let day = try fixture.ledger.state(rules, now: fixture.now).day.date
    let before = model.raised[rules.scope]?[day] ?? .zero
    model.raised[rules.scope, default: [:]][day] = before + amounts
  }

  // MARK: - What must be true

  private func check() throws {
    let states = try fixture.ledger.states(all, now: fixture.now)
    for (rules, state) in zip(all, states) {
      let held = model.open.values.filter { rules.scope == .fleet || rules.scope == .tenant($0.tenant) }.map(\.left)
        .reduce(.zero, +)
      let spent = model.spent[rules.scope]?[state.day.date] ?? .zero
      let caps = rules.caps.raised(by: model.raised[rules.scope]?[state.day.date] ?? .zero)
      for axis in BudgetAxis.allCases {
        let expected = BudgetAxisState(spent: spent[axis], reserved: held[axis], cap: caps[axis])
        try expect(state[axis] == expected, "\(rules.scope), \(axis): \(state[axis]), not \(expected)")
      }
    }
  }

  private func checkWhole() throws {
    let open = try fixture.ledger.openReservations()
    try expect(Set(open.map(\.id)) == Set(model.open.keys), "no hold is lost, none comes back")
    for reservation in open {
      let hold = model.open[reservation.id]
      try expect(reservation.left == hold?.left, "a hold is what is not charged yet")
    }
    for (scope, days) in model.spent {
      for (day, sum) in days {
        try expect(try fixture.ledger.totals(of: scope, on: day) == sum, "no day of \(scope) changes")
      }
    }
    let one = try all.map { try fixture.ledger.state($0, now: fixture.now) }
    try expect(try fixture.ledger.states(all, now: fixture.now) == one, "one by one or all at once")
    let differences = try fixture.ledger.audited()
    try expect(differences.isEmpty, "\(differences)")
  }

  private func rules(_ tenant: TenantID) -> BudgetRules { fixture.rules(tenant, caps[tenant] ?? .none) }
  private var all: [BudgetRules] { Self.tenants.map(rules) + [fixture.fleet] }

  /// Cheaper than an expectation of the test library, of which a thousand lives have millions.
  private func expect(_ isTrue: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) throws {
    guard try isTrue() else { throw Discrepancy(description: "seed \(seed), step \(step): \(what())") }
  }
}
