internal import GRDB
import Tenant

extension RunRequest {
  /// The runner's name on charges of which nobody knows what they were for.
  static let unattributed = "unattributed"
}

/// What agents used that nobody held money for and no worker or decide accounts for.
extension Ledger {
  /// Books it for its tenant, on the day in force, with no goal and no worker. What was charged before changes nothing.
  package func bookUnattributed(
    _ charges: [Charge], of tenant: TenantID, tenant rules: BudgetRules, fleet: BudgetRules, now: ClockReading
  ) throws(LedgerError) {
    guard !charges.isEmpty else { return }
    try write("book what is unattributed") { database in
      let day = (
        try Self.advanceClock(rules, now, database).date, try Self.advanceClock(fleet, now, database).date
      )
      // One closed run of a day that held nothing: a charge belongs to a run.
      let run = "\(RunRequest.unattributed)/\(day.0)"
      try database.execute(
        cached: """
          INSERT OR IGNORE INTO reservations (tenant, kind, run_id, runner, day, fleet_day, opened_at, usd, tokens, decides,
            left_usd, left_tokens, left_decides, state, closed_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 'settled', ?)
          """,
        arguments: [
          tenant.name, RunKind.worker.rawValue, run, RunRequest.unattributed, day.0.ordinal, day.1.ordinal, now.wall,
          now.wall,
        ])
      guard
        let row = try Row.fetchOne(
          database, cached: "SELECT * FROM reservations WHERE tenant = ? AND kind = ? AND run_id = ?",
          arguments: [tenant.name, RunKind.worker.rawValue, run])
      else { return }
      for charge in charges {
        try Self.book(charge, on: row, decides: 0, day: (day.0.ordinal, day.1.ordinal), now: now, database)
      }
    }
  }
}
