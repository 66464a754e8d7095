internal import GRDB

/// One line of the log of what people did. Never changed, never deleted.
package struct AuditEntry: Sendable, Hashable {
  package let at: Int64
  package let actor: String
  package let via: String
  package let action: String
  package let scope: BudgetScope
  package let detail: String

  package init(at: Int64, actor: String, via: String, action: String, scope: BudgetScope, detail: String) {
    self.at = at
    self.actor = actor
    self.via = via
    self.action = action
    self.scope = scope
    self.detail = detail
  }
}

extension Ledger {
  package func audit(_ entry: AuditEntry) throws(LedgerError) {
    try write("write to the audit log") { try Self.audit(entry, $0) }
  }

  /// The newest entries, newest first; of one scope or of all.
  package func auditLog(of scope: BudgetScope? = nil, limit: Int = 200) throws(LedgerError) -> [AuditEntry] {
    try read("read the audit log") { database in
      try Row.fetchAll(
        database, cached: "SELECT * FROM audit WHERE :scope IS NULL OR scope = :scope ORDER BY id DESC LIMIT :limit",
        arguments: ["scope": scope?.key, "limit": limit]
      )
      .compactMap { row in
        BudgetScope(key: row["scope"]).map {
          AuditEntry(
            at: row["at"], actor: row["actor"], via: row["via"], action: row["action"], scope: $0,
            detail: row["detail"])
        }
      }
    }
  }

  static func audit(_ entry: AuditEntry, _ database: Database) throws {
    try database.execute(
      cached: "INSERT INTO audit (at, actor, via, action, scope, detail) VALUES (?, ?, ?, ?, ?, ?)",
      arguments: [entry.at, entry.actor, entry.via, entry.action, entry.scope.key, entry.detail])
  }
}
