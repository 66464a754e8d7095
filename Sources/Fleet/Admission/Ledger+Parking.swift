internal import GRDB

extension Ledger {
  /// Nothing of this runner starts for this tenant until then; a later time wins over an earlier one.
  package func park(_ account: ParkedAccount) throws(LedgerError) {
    try write("park an account") { database in
      try database.execute(
        cached: """
          INSERT INTO parked (tenant, runner, until, reason) VALUES (?, ?, ?, ?)
          ON CONFLICT (tenant, runner) DO UPDATE SET until = max(until, excluded.until), reason = excluded.reason
          """, arguments: [account.tenant.name, account.runner, account.until, account.reason])
    }
  }

  static func parking(
    against request: RunRequest, now: ClockReading, _ database: Database
  ) throws -> AdmissionRefusal? {
    let row = try Row.fetchOne(
      database, cached: "SELECT * FROM parked WHERE tenant = ? AND runner = ? AND until > ?",
      arguments: [request.tenant.name, request.runner, now.wall])
    return row.map {
      AdmissionRefusal(scope: .tenant(request.tenant), axis: nil, reason: $0["reason"], retryAt: $0["until"])
    }
  }
}
