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

extension Ledger {
  /// Gives an order; giving it again changes nothing.
  package func give(
    _ order: StandingOrder, to scope: BudgetScope, actor: String, via: String, reason: String? = nil, now: ClockReading
  ) throws(LedgerError) {
    try write("write an order") { database in
      try database.execute(
        cached: "INSERT OR IGNORE INTO orders (scope, kind, at, actor, via, reason) VALUES (?, ?, ?, ?, ?, ?)",
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
        cached: "DELETE FROM orders WHERE scope = ? AND kind = ?", arguments: [scope.key, order.rawValue])
      guard database.changesCount > 0 else { return false }
      try Self.audit(
        AuditEntry(at: now.wall, actor: actor, via: via, action: "lift \(order.rawValue)", scope: scope, detail: ""),
        database)
      return true
    }
  }

  package func orders() throws(LedgerError) -> [OrderRecord] {
    try read("list orders") { database in
      try Row.fetchAll(database, cached: "SELECT * FROM orders ORDER BY scope, kind").compactMap { row in
        guard let scope = BudgetScope(key: row["scope"]), let order = StandingOrder(rawValue: row["kind"]) else {
          return nil
        }
        return OrderRecord(
          scope: scope, order: order, at: row["at"], actor: row["actor"], via: row["via"], reason: row["reason"])
      }
    }
  }
}

extension Ledger {
  /// What besides money keeps this run from starting. Asked inside the reservation's transaction, so that nothing can slip in
  /// beside a freeze.
  static func standingOrder(
    against request: RunRequest, now: ClockReading, _ database: Database
  ) throws -> AdmissionRefusal? {
    if let row = try Row.fetchOne(
      database, cached: "SELECT * FROM orders WHERE scope IN (?, ?) ORDER BY kind LIMIT 1",
      arguments: [request.tenant.name, BudgetScope.fleet.key])
    {
      let scope = BudgetScope(key: row["scope"]) ?? .fleet
      // An order that this version does not know stands all the same.
      let done = StandingOrder(rawValue: row["kind"])?.done ?? "stopped"
      return AdmissionRefusal(
        scope: scope, axis: nil, reason: "\(scope) is \(done) by \(row["actor"] as String)", retryAt: nil)
    }
    return try parking(against: request, now: now, database)
  }
}
