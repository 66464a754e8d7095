internal import GRDB

/// What ops ordered and must survive a restart.
package enum StandingOrder: String, Sendable, CaseIterable {
  /// No new beats; workers go on.
  case pause
  /// Everything of it stopped.
  case freeze
  /// Everything of it ended, and nothing started: of the whole fleet.
  case drain

  var done: String {
    switch self {
    case .pause: "paused"
    case .freeze: "frozen"
    case .drain: "drained"
    }
  }
}

package struct OrderRecord: Sendable, Hashable {
  package let scope: BudgetScope
  package let order: StandingOrder
  package let at: Int64
  package let actor: String
  package let via: String
  package let reason: String?
}

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

/// A runner's account that its provider has turned away until some time.
package struct ParkedAccount: Sendable, Hashable {
  package let tenant: TenantID
  package let runner: String
  package let until: Int64
  package let reason: String
}

extension Ledger {
  /// Gives an order; giving it again changes nothing.
  package func give(
    _ order: StandingOrder, to scope: BudgetScope, actor: String, via: String, reason: String? = nil, now: ClockReading
  ) throws(LedgerError) {
    try write("write an order") { database in
      try database.execute(
        sql: "INSERT OR IGNORE INTO orders (scope, kind, at, actor, via, reason) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [scope.key, order.rawValue, now.wall, actor, via, reason])
      guard database.changesCount > 0 else { return }
      try Self.audit(
        AuditEntry(at: now.wall, actor: actor, via: via, action: order.rawValue, scope: scope, detail: reason ?? ""),
        database)
    }
  }

  /// Takes an order back. True when there was one.
  @discardableResult
  package func lift(
    _ order: StandingOrder, from scope: BudgetScope, actor: String, via: String, now: ClockReading
  ) throws(LedgerError) -> Bool {
    try write("lift an order") { database in
      try database.execute(
        sql: "DELETE FROM orders WHERE scope = ? AND kind = ?", arguments: [scope.key, order.rawValue])
      guard database.changesCount > 0 else { return false }
      try Self.audit(
        AuditEntry(at: now.wall, actor: actor, via: via, action: "lift \(order.rawValue)", scope: scope, detail: ""),
        database)
      return true
    }
  }

  package func orders() throws(LedgerError) -> [OrderRecord] {
    try read("list orders") { database in
      try Row.fetchAll(database, sql: "SELECT * FROM orders ORDER BY scope, kind").compactMap { row in
        guard let scope = BudgetScope(key: row["scope"]), let order = StandingOrder(rawValue: row["kind"]) else {
          return nil
        }
        return OrderRecord(
          scope: scope, order: order, at: row["at"], actor: row["actor"], via: row["via"], reason: row["reason"])
      }
    }
  }

  /// Nothing of this runner starts for this tenant until then; a later time wins over an earlier one.
  package func park(_ account: ParkedAccount) throws(LedgerError) {
    try write("park an account") { database in
      try database.execute(
        sql: """
          INSERT INTO parked (tenant, runner, until, reason) VALUES (?, ?, ?, ?)
          ON CONFLICT (tenant, runner) DO UPDATE SET until = max(until, excluded.until), reason = excluded.reason
          """, arguments: [account.tenant.name, account.runner, account.until, account.reason])
    }
  }

  package func parkedAccounts(now: ClockReading) throws(LedgerError) -> [ParkedAccount] {
    try write("list parked accounts") { database in
      try database.execute(sql: "DELETE FROM parked WHERE until <= ?", arguments: [now.wall])
      return try Row.fetchAll(database, sql: "SELECT * FROM parked ORDER BY tenant, runner").compactMap { row in
        TenantID(row["tenant"]).map {
          ParkedAccount(tenant: $0, runner: row["runner"], until: row["until"], reason: row["reason"])
        }
      }
    }
  }

  package func audit(_ entry: AuditEntry) throws(LedgerError) {
    try write("write to the audit log") { try Self.audit(entry, $0) }
  }

  /// The newest entries, newest first.
  package func auditLog(limit: Int = 200) throws(LedgerError) -> [AuditEntry] {
    try read("read the audit log") { database in
      try Row.fetchAll(database, sql: "SELECT * FROM audit ORDER BY id DESC LIMIT ?", arguments: [limit])
        .compactMap { row in
          BudgetScope(key: row["scope"]).map {
            AuditEntry(
              at: row["at"], actor: row["actor"], via: row["via"], action: row["action"], scope: $0,
              detail: row["detail"])
          }
        }
    }
  }

  /// Small facts of the supervisor that must survive it, by a key of its choosing; nil forgets.
  package func note(_ key: String, _ value: String?) throws(LedgerError) {
    try write("write a note") { database in
      if let value {
        try database.execute(
          sql: "INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
          arguments: [key, value])
      } else {
        try database.execute(sql: "DELETE FROM notes WHERE key = ?", arguments: [key])
      }
    }
  }

  package func note(_ key: String) throws(LedgerError) -> String? {
    try read("read a note") { try String.fetchOne($0, sql: "SELECT value FROM notes WHERE key = ?", arguments: [key]) }
  }

  /// All notes whose key begins so.
  package func notes(prefix: String) throws(LedgerError) -> [String: String] {
    try read("read notes") { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT key, value FROM notes WHERE substr(key, 1, length(?1)) = ?1", arguments: [prefix])
      return Dictionary(uniqueKeysWithValues: rows.map { ($0["key"] as String, $0["value"] as String) })
    }
  }
}

extension Ledger {
  static func audit(_ entry: AuditEntry, _ database: Database) throws {
    try database.execute(
      sql: "INSERT INTO audit (at, actor, via, action, scope, detail) VALUES (?, ?, ?, ?, ?, ?)",
      arguments: [entry.at, entry.actor, entry.via, entry.action, entry.scope.key, entry.detail])
  }

  /// What besides money keeps this run from starting. Asked inside the reservation's transaction, so that nothing can slip in
  /// beside a freeze.
  static func standingOrder(
    against request: RunRequest, now: ClockReading, _ database: Database
  ) throws -> AdmissionRefusal? {
    let tenant = BudgetScope.tenant(request.tenant)
    if let row = try Row.fetchOne(
      database, sql: "SELECT * FROM orders WHERE scope IN (?, ?) ORDER BY kind LIMIT 1",
      arguments: [tenant.key, BudgetScope.fleet.key])
    {
      let scope = BudgetScope(key: row["scope"]) ?? .fleet
      // An order that this version does not know stands all the same.
      let done = StandingOrder(rawValue: row["kind"])?.done ?? "stopped"
      return AdmissionRefusal(
        scope: scope, axis: nil, reason: "\(scope) is \(done) by \(row["actor"] as String)", retryAt: nil)
    }
    if let row = try Row.fetchOne(
      database, sql: "SELECT * FROM parked WHERE tenant = ? AND runner = ? AND until > ?",
      arguments: [request.tenant.name, request.runner, now.wall])
    {
      return AdmissionRefusal(scope: tenant, axis: nil, reason: row["reason"], retryAt: row["until"])
    }
    return nil
  }
}
