import Dispatch
import Synchronization
import Testing

@testable import Fleet
@testable import Tenant

@Suite struct LedgerConcurrencyTests {
  @Test func `eight tenants with forty wishes each and money for three: three are granted`() throws {
    let fixture = try LedgerFixture(patience: 20)
    let tenants = (0..<8).map { TenantID("tenant-\($0)")! }
    let caps = BudgetCaps(usd: MicroUSD(micros: 100_000_000))
    let fleet = BudgetRules(scope: .fleet, caps: BudgetCaps(usd: MicroUSD(micros: 3_500_000)), zone: .utc)
    let (ledger, now) = (fixture.ledger, fixture.now)
    let granted = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      for wish in 0..<40 {
        do {
          let answer = try ledger.reserve(
            RunRequest(tenant: tenants[index], kind: .worker, runID: "w\(wish)", runner: "claude"),
            worstCase: BudgetAmounts(usd: MicroUSD(micros: 1_000_000)),
            tenant: BudgetRules(scope: .tenant(tenants[index]), caps: caps, zone: .utc), fleet: fleet, prices: .shipped,
            now: now)
          if answer.granted != nil { granted.add(1, ordering: .relaxed) }
          if let refusal = answer.refusal, refusal.scope == .fleet, !refusal.reason.isEmpty {
            refused.add(1, ordering: .relaxed)
          }
        } catch {
          failures.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(granted.load(ordering: .relaxed) == 3)
    #expect(refused.load(ordering: .relaxed) == 317)
    #expect(failures.load(ordering: .relaxed) == 0)
    #expect(try ledger.openReservations().count == 3)
  }

  @Test func `holds and settlements from many threads leave whole books`() throws {
    let fixture = try LedgerFixture(patience: 20)
    let (ledger, now, fleet) = (fixture.ledger, fixture.now, fixture.fleet)
    let caps = BudgetCaps(usd: MicroUSD(micros: 5_000_000))
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      let tenant = TenantID("tenant-\(index % 3)")!
      for run in 0..<30 {
        let answer = try? ledger.reserve(
          RunRequest(tenant: tenant, kind: .tick, runID: "\(index)-\(run)", runner: "claude"),
          worstCase: BudgetAmounts(usd: MicroUSD(micros: 300_000), decides: 1),
          tenant: BudgetRules(scope: .tenant(tenant), caps: caps, zone: .utc), fleet: fleet, prices: .shipped, now: now)
        guard let id = answer?.granted else { continue }
        _ = try? ledger.settle(
          id, of: tenant, charges: [LedgerFixture.charge("\(index)-\(run)", 100_000)], now: now)
      }
    }
    #expect(try ledger.audited() == [])
    #expect(try ledger.openReservations() == [])
    for tenant in 0..<3 {
      let total = try ledger.totals(of: .tenant(TenantID("tenant-\(tenant)")!), on: CivilDate("2026-07-27")!)
      #expect(total.usd.micros <= 5_000_000)
      #expect(total.usd.micros == total.decides * 100_000)
    }
  }
}
