import Glibc
import SystemPackage
import Tenant
import TestSupport

@testable import Fleet

/// A ledger in a scratch directory with clocks that a test sets.
final class LedgerFixture {
  let scratch: ScratchDirectory
  var ledger: Ledger
  /// 2026-07-27 12:00 UTC.
  var now = ClockReading(wall: 1_785_153_600, sinceBoot: 1000, bootID: "boot-1")
  var fleet = BudgetRules(scope: .fleet, caps: .none, zone: .utc)
  var zones: [TenantID: ZoneRules] = [:]
  private var runs = 0

  /// `inMemory`: where the host has a file system in memory, for lives by the thousand.
  init(patience: Double = 0.2, inMemory: Bool = false) throws {
    let memory = "/dev/shm"
    scratch = try ScratchDirectory("ledger", in: inMemory && access(memory, W_OK) == 0 ? memory : nil)
    ledger = Ledger(path: scratch.appending("ledger.sqlite"), patience: patience)
  }

  var path: FilePath { ledger.path }

  /// What a supervisor that was killed and started again sees: only the file.
  func reopen() {
    ledger.close()
    ledger = Ledger(path: path, patience: 0.2)
  }

  func pass(_ seconds: Int64) {
    now = ClockReading(wall: now.wall + seconds, sinceBoot: now.sinceBoot + seconds, bootID: now.bootID)
  }

  func rules(_ tenant: TenantID = .web, _ caps: BudgetCaps) -> BudgetRules {
    BudgetRules(scope: .tenant(tenant), caps: caps, zone: zones[tenant] ?? .utc)
  }

  func request(_ tenant: TenantID = .web, kind: RunKind = .tick, run: String? = nil) -> RunRequest {
    runs += 1
    return RunRequest(
      tenant: tenant, kind: kind, runID: run ?? "run-\(runs)", runner: "claude", model: "sonnet", promptBytes: 3000)
  }

  func reserve(
    _ request: RunRequest, worst usd: Int64, caps: BudgetCaps
  ) throws -> Admission {
    try ledger.reserve(
      request,
      worstCase: BudgetAmounts(
        usd: MicroUSD(micros: usd), tokens: 1000, decides: request.kind == .tick ? 1 : 0),
      tenant: rules(request.tenant, caps), fleet: fleet, prices: .shipped, now: now)
  }

  func state(_ tenant: TenantID = .web, _ caps: BudgetCaps) throws -> BudgetState {
    try ledger.state(rules(tenant, caps), now: now)
  }

  static func charge(_ event: String, _ usd: Int64, tokens: Int64 = 10, source: ChargeSource = .reported) -> Charge {
    Charge(
      eventID: event, source: source, usd: MicroUSD(micros: usd), tokens: ChargedTokens(input: tokens), model: "sonnet")
  }
}

extension TenantID {
  static let web = TenantID("web")!
  static let api = TenantID("api")!
}

extension Admission {
  var granted: ReservationID? { if case .granted(let id, _, _) = self { id } else { nil } }
  var refusal: AdmissionRefusal? { if case .refused(let refusal, _) = self { refusal } else { nil } }
}

/// Runs a line of shell for a test's scenery.
enum Shell {
  static func succeeds(_ script: String) -> Bool { run(script) != nil }

  /// What it printed; nil unless it exited with 0.
  static func run(_ script: String, input: String = "") -> String? {
    let outcome = BoundedRun(
      Spawn("/bin/sh", ["-c", script], environment: .current()), input: Array(input.utf8), deadline: 30,
      keepOutput: 1 << 20
    ).run()
    return outcome.reason.succeeded ? String(decoding: outcome.output, as: UTF8.self) : nil
  }
}
