import TestSupport
import Testing

@testable import Fleet
@testable import Tenant

/// Random lives of a ledger, each from a seed: whatever the order of reservations, settlements, crashes, reboots, clock steps, summer
/// times and raises, the books are right after every step. On a file in memory where the host has such; ``LedgerCrashTests`` kill the
/// process on a disk.
///
/// `LOOOP_TEST_LEDGER_LIVES`: how many.
@Suite struct LedgerPropertyTests {
  private static let lives =
    HostEnvironment.current()["LOOOP_TEST_LEDGER_LIVES"].flatMap { UInt64($0) }.map { max(1, $0) } ?? 1000
  /// So many lives are one case of the test: a line for each would hide all others.
  private static let batch: UInt64 = 50

  private static func batches(of lives: UInt64) -> [Range<UInt64>] {
    stride(from: 0, to: lives, by: Int(batch)).map { $0..<min($0 + batch, lives) }
  }

  @Test(arguments: batches(of: lives))
  func `spend and holds stay below every cap, and no hold is lost or doubled`(seeds: Range<UInt64>) async throws {
    // Two at a time: lives have nothing in common.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for part in 0..<UInt64(2) {
        group.addTask {
          for seed in seeds where seed % 2 == part {
            var life = try LedgerLife(seed: seed)
            try life.run()
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private static let cap: Int64 = 1_000_000

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
  @Test(arguments: batches(of: max(1, lives / 16)))
  func `no day takes more than its cap and its raises`(seeds: Range<UInt64>) throws {
    for seed in seeds { try spendDays(seed: seed) }
  }

  private func spendDays(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try LedgerFixture(inMemory: true)
    let caps = BudgetCaps(usd: MicroUSD(micros: Self.cap), decides: 12)
    var raised: [CivilDate: Int64] = [:]
    var open: [(id: ReservationID, worst: Int64)] = []
    var days: Set<CivilDate> = []
    for step in 0..<80 {
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
