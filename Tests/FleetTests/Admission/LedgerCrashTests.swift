import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// The ledger's process killed (SIGKILL) at a random moment, over and over, on one file.
@Suite struct LedgerCrashTests {
  static let tenant = TenantID("web")!
  static let caps = BudgetCaps(usd: MicroUSD(micros: 50_000_000))

  /// Reserves and settles until it is killed. Each answer is written to `acknowledged` after the ledger gave it, with one `write`,
  /// so whatever is there was promised.
  static func spend(ledger path: String, acknowledged: String, life: Int, microseconds: UInt32) {
    let log = open(acknowledged, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    func acknowledge(_ line: String) {
      let bytes = Array("\(line)\n".utf8)
      _ = write(log, bytes, bytes.count)
    }
    var thread = pthread_t()
    let delay = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    delay.pointee = microseconds
    pthread_create(
      &thread, nil,
      { argument in
        usleep(argument!.load(as: UInt32.self))
        kill(getpid(), SIGKILL)
        return nil
      }, delay)
    let ledger = Ledger(path: FilePath(path))
    let rules = BudgetRules(scope: .tenant(tenant), caps: caps, zone: .utc)
    let fleet = BudgetRules(scope: .fleet, caps: .none, zone: .utc)
    let now = ClockReading(wall: 1_785_153_600, sinceBoot: 1000, bootID: "b")
    for run in 0... {
      let name = "\(life)-\(run)"
      guard
        case .granted(let id, _, _) = try? ledger.reserve(
          RunRequest(tenant: tenant, kind: .tick, runID: name, runner: "claude", goal: name),
          worstCase: BudgetAmounts(usd: MicroUSD(micros: 3000), decides: 1), tenant: rules, fleet: fleet,
          prices: .shipped, now: now)
      else { continue }
      acknowledge("reserved \(name)")
      // Every third run is left open, as if its runner were still at work.
      guard run % 3 != 0 else { continue }
      let charge = Charge(eventID: name, source: .reported, usd: MicroUSD(micros: 1000))
      guard (try? ledger.settle(id, of: tenant, charges: [charge], now: now)) == .settled else { continue }
      acknowledge("settled \(name)")
    }
  }

  @Test(.timeLimit(.minutes(2))) func `killed at any moment, it keeps what it promised and promises nothing twice`()
    async throws
  {
    let scratch = try ScratchDirectory("crash")
    let path = scratch.appending("ledger.sqlite")
    let log = scratch.appending("acknowledged")
    try Ledger(path: path).verify()
    var random = SeededGenerator(seed: 7)
    for life in 0..<16 {
      let (ledger, acknowledged) = (path.string, log.string)
      let microseconds = UInt32.random(in: 1000...60_000, using: &random)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [
          ledger = ledger as String, acknowledged = acknowledged as String, life = life as Int,
          microseconds = microseconds as UInt32
        ] in
        LedgerCrashTests.spend(ledger: ledger, acknowledged: acknowledged, life: life, microseconds: microseconds)
      }
      try check(Ledger(path: path), acknowledged: FileReading.of(log).text ?? "")
    }
  }

  private func check(_ ledger: Ledger, acknowledged: String) throws {
    let lines = acknowledged.split(separator: "\n").map { $0.split(separator: " ") }
    let reserved = Set(lines.filter { $0[0] == "reserved" }.map { String($0[1]) })
    let settled = Set(lines.filter { $0[0] == "settled" }.map { String($0[1]) })
    let open = Set(try ledger.openReservations().map(\.request.runID))
    // Each promised hold is there, open or settled; each promised settlement is there and open no more.
    let day = CivilDate("2026-07-27")!
    let charged = Set(try ledger.rows(from: day, through: day).compactMap(\.goal))
    #expect(reserved.subtracting(open).subtracting(charged).isEmpty)
    #expect(settled.isSubset(of: charged))
    #expect(open.isDisjoint(with: charged))
    let total = try ledger.totals(of: .tenant(Self.tenant), on: day)
    #expect(total.usd.micros == Int64(charged.count) * 1000)
    #expect(total.decides == Int64(charged.count))
    #expect(try ledger.audited() == [])
  }
}
