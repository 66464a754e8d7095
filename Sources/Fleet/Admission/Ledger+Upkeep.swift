internal import GRDB
package import Tenant

/// What keeps the ledger honest and small over the years: a check of its sums, and charges that are old enough to be forgotten.
extension Ledger {
  /// Days for which single charges are kept: more than `budget --days` can ask for.
  package static let retention: Int64 = 400

  /// Whether totals, charges and holds agree; the differences in words. Cheap enough for `doctor`.
  package func audited() throws(LedgerError) -> [String] {
    try read("check") { database in
      var findings: [String] = []
      // Of days before the edge of what was forgotten only some charges are left.
      let edge = try Self.forgottenBefore(database) ?? 0
      for (scope, dayColumn) in [("tenant", "day"), ("'*'", "fleet_day")] {
        let rows = try Row.fetchAll(
          database,
          sql: """
            WITH sums AS (
              SELECT \(scope) AS scope, \(dayColumn) AS day, sum(usd) AS usd,
                sum(input + cache_read + cache_write + output) AS tokens, sum(decides) AS decides
              FROM charges WHERE superseded = 0 AND \(dayColumn) >= :edge GROUP BY 1, 2)
            SELECT s.scope, s.day, s.usd, t.usd AS booked FROM sums s LEFT JOIN totals t USING (scope, day)
            WHERE s.usd IS NOT t.usd OR s.tokens IS NOT t.tokens OR s.decides IS NOT t.decides
            """, arguments: ["edge": edge])
        findings += rows.map { row in
          let day = CivilDate(ordinal: row["day"])
          return "the total of \(row["scope"] as String) on \(day) does not match its charges"
        }
      }
      let stale = try Int.fetchOne(
        database,
        sql: "SELECT count(*) FROM reservations WHERE state != 'open' AND left_usd + left_tokens + left_decides > 0")
      if let stale, stale > 0 { findings.append("\(stale) closed reservations still hold something") }
      return findings
    }
  }

  /// The daily round: forgets what is older than ``retention``; answers how many charges that were.
  ///
  /// Only when the last round was within the week before: a clock that suddenly shows another year deletes nothing.
  package func forgetOld(today: CivilDate) throws(LedgerError) -> Int {
    let last = try note(Self.roundKey).flatMap(Int64.init)
    guard last != today.ordinal else { return 0 }
    try note(Self.roundKey, String(today.ordinal))
    guard let last, (1...7).contains(today.ordinal - last) else { return 0 }
    return try forget(before: today.advanced(by: -Self.retention))
  }

  /// Forgets the single charges of days long past; totals, raises and the audit log stay.
  @discardableResult
  package func forget(before day: CivilDate) throws(LedgerError) -> Int {
    try write("forget old charges") { database in
      try database.execute(
        sql: "DELETE FROM charges WHERE day < ? AND fleet_day < ?", arguments: [day.ordinal, day.ordinal])
      let count = database.changesCount
      try database.execute(
        sql:
          "DELETE FROM reservations WHERE state != 'open' AND day < ? AND id NOT IN (SELECT reservation FROM charges WHERE reservation IS NOT NULL)",
        arguments: [day.ordinal])
      try database.execute(sql: "DELETE FROM announced WHERE day < ?", arguments: [day.ordinal])
      try database.execute(
        sql: "DELETE FROM notes WHERE key GLOB 'breach/*' AND CAST(value AS INTEGER) < ?",
        arguments: [day.ordinal * 86_400])
      if count > 0 {
        try database.execute(
          sql: """
            INSERT INTO notes (key, value) VALUES (:key, :day)
            ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))
            """, arguments: ["key": Self.edgeKey, "day": day.ordinal])
      }
      return count
    }
  }

  private static let roundKey = "forget/round"
  private static let edgeKey = "forget/before"

  private static func forgottenBefore(_ database: Database) throws -> Int64? {
    try String.fetchOne(database, sql: "SELECT value FROM notes WHERE key = ?", arguments: [edgeKey]).flatMap(
      Int64.init)
  }
}
