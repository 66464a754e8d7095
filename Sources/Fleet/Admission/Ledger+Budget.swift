internal import GRDB
import Tenant

/// A raise of one day's caps, by a person.
package struct BudgetRaise: Sendable, Hashable {
  package var scope: BudgetScope
  package var amounts: BudgetAmounts
  /// Who, as peer credentials say (`alice`, `uid 1000`), and through what (`cli`, `mailbox`).
  package var actor: String
  package var via: String
  /// Makes a repeated call one raise: the id of the ask it answers, or of the request.
  package var request: String?

  package init(scope: BudgetScope, amounts: BudgetAmounts, actor: String, via: String, request: String? = nil) {
    self.scope = scope
    self.amounts = amounts
    self.actor = actor
    self.via = via
    self.request = request
  }

  /// *Shape*: `$5.00, 50 decides`.
  package var words: String {
    BudgetAxis.allCases.filter { amounts[$0] > 0 }.map { $0.words(amounts[$0]) }.joined(separator: ", ")
  }
}

/// What a day stands at, what was raised, and what of it is worth telling.
extension Ledger {
  /// The day of each scope with its totals, holds and raises, in one reading whose queries do not grow in number with the scopes:
  /// a status page of a thousand tenants waits for it.
  package func states(_ rules: [BudgetRules], now: ClockReading) throws(LedgerError) -> [BudgetState] {
    // A reading too moves the day on: status must not show yesterday's money as today's.
    try write("read the budgets") { database in
      guard rules.count > Self.few else {
        return try rules.map { try Self.state($0, day: Self.advanceClock($0, now, database), database) }
      }
      let clocks = try Self.clocks(database)
      let days = try rules.map { try Self.advanceClock($0, from: clocks[$0.scope.key], now, database) }
      let ordinals = days.map(\.date.ordinal)
      guard let first = ordinals.min(), let last = ordinals.max() else { return [] }
      let spent = try Self.amounts(
        "SELECT scope, day, usd, tokens, decides FROM totals WHERE day BETWEEN ? AND ?", [first, last], database)
      let raised = try Self.amounts(
        """
        SELECT scope, day, sum(usd) AS usd, sum(tokens) AS tokens, sum(decides) AS decides FROM raises
        WHERE day BETWEEN ? AND ? GROUP BY scope, day
        """, [first, last], database)
      let held = try Self.amounts(
        """
        SELECT tenant AS scope, 0 AS day, sum(left_usd) AS usd, sum(left_tokens) AS tokens, sum(left_decides) AS decides
        FROM reservations WHERE state = 'open' GROUP BY tenant
        """, [], database)
      let allHeld = held.values.reduce(BudgetAmounts.zero, +)
      return zip(rules, days).map { rules, day in
        let key = ScopeDay(scope: rules.scope.key, day: day.date.ordinal)
        let reserved = rules.scope == .fleet ? allHeld : held[ScopeDay(scope: key.scope, day: 0)] ?? .zero
        return BudgetState(
          day: day, spent: spent[key] ?? .zero, reserved: reserved, caps: rules.caps.raised(by: raised[key] ?? .zero))
      }
    }
  }

  /// So many scopes (a tenant's and the fleet's) are cheaper asked for one by one than picked from everybody's.
  private static let few = 2

  package func state(_ rules: BudgetRules, now: ClockReading) throws(LedgerError) -> BudgetState {
    try write("read the budget") { try Self.state(rules, day: Self.advanceClock(rules, now, $0), $0) }
  }

  /// Raises today's caps, writes down who did, and answers what asked for it. True when this request was new.
  @discardableResult
  package func raise(_ raise: BudgetRaise, rules: BudgetRules, now: ClockReading) throws(LedgerError) -> Bool {
    try write("raise a budget") { try Self.book(raise, rules: rules, now: now, $0) }
  }

  static func book(_ raise: BudgetRaise, rules: BudgetRules, now: ClockReading, _ database: Database) throws -> Bool {
    if let request = raise.request,
      try Bool.fetchOne(database, cached: "SELECT 1 FROM raises WHERE request = ?", arguments: [request]) != nil
    {
      return false
    }
    let day = try advanceClock(rules, now, database).date
    // Held below what the sums can bear; a raise is positive, since a cut belongs in the configuration.
    func bounded(_ value: Int64) -> Int64 { min(max(0, value), 1_000_000_000_000_000) }
    try database.execute(
      cached: """
        INSERT INTO raises (request, scope, day, usd, tokens, decides, at, actor, via) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        raise.request, raise.scope.key, day.ordinal, bounded(raise.amounts.usd.micros), bounded(raise.amounts.tokens),
        bounded(raise.amounts.decides), now.wall, raise.actor, raise.via,
      ])
    try closeBudgetAsks(by: raise, on: day, now: now, database)
    try audit(
      AuditEntry(
        at: now.wall, actor: raise.actor, via: raise.via, action: "budget raise", scope: raise.scope,
        detail: "\(raise.words) for \(day)"), database)
    return true
  }

  /// Which marks (50, 80, 100 % spent) were reached and not announced before. Announced once for each cap of a day: a raise makes a
  /// new cap, whose marks count anew.
  package func newlyReached(
    _ rules: BudgetRules, state: BudgetState
  ) throws(LedgerError)
    -> [(axis: BudgetAxis, threshold: BudgetThreshold)]
  {
    let reached = BudgetThreshold.reached(in: state)
    guard !reached.isEmpty else { return [] }
    return try write("note a warning") { database in
      try reached.filter { axis, threshold in
        try database.execute(
          cached: "INSERT OR IGNORE INTO announced (scope, day, axis, percent, cap) VALUES (?, ?, ?, ?, ?)",
          arguments: [
            rules.scope.key, state.day.date.ordinal, axis.rawValue, threshold.rawValue, state[axis].cap ?? 0,
          ])
        return database.changesCount > 0
      }
    }
  }

  /// When each axis will be used up at the rate of the last hours; axes without an answer are left out.
  package func forecast(
    _ rules: BudgetRules, state: BudgetState, now: ClockReading
  ) throws(LedgerError)
    -> [BudgetAxis: Int64]
  {
    let dayStart = rules.zone.start(of: state.day.date)
    let since = max(dayStart, now.wall - BudgetForecast.window)
    let recent = try read("forecast a budget") { database in
      let scoped = rules.scope == .fleet ? "1" : "tenant = :scope"
      let row = try Row.fetchOne(
        database,
        cached: """
          SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(input + cache_read + cache_write + output), 0) AS tokens,
            coalesce(sum(decides), 0) AS decides
          FROM charges WHERE \(scoped) AND at >= :since AND superseded = 0
          """, arguments: rules.scope == .fleet ? ["since": since] : ["since": since, "scope": rules.scope.key])
      return row.map { BudgetAmounts(usd: MicroUSD(micros: $0["usd"]), tokens: $0["tokens"], decides: $0["decides"]) }
        ?? .zero
    }
    var answers: [BudgetAxis: Int64] = [:]
    for axis in BudgetAxis.allCases {
      answers[axis] = BudgetForecast.exhaustion(
        of: state[axis], recent: recent[axis], since: since, now: now.wall, resetsAt: state.day.resetsAt)
    }
    return answers
  }
}

extension Ledger {
  private struct ScopeDay: Hashable {
    let scope: String
    let day: Int64
  }

  private static func amounts(
    _ sql: String, _ arguments: StatementArguments, _ database: Database
  ) throws -> [ScopeDay: BudgetAmounts] {
    let rows = try Row.fetchAll(database, cached: sql, arguments: arguments)
    return Dictionary(
      uniqueKeysWithValues: rows.map { row in
        (
          ScopeDay(scope: row["scope"], day: row["day"]),
          BudgetAmounts(usd: MicroUSD(micros: row["usd"]), tokens: row["tokens"], decides: row["decides"])
        )
      })
  }

  private static func clock(_ row: Row) -> BudgetClock {
    BudgetClock(
      date: CivilDate(ordinal: row["day"]), age: row["age"], sinceBoot: row["since_boot"], bootID: row["boot_id"])
  }

  private static func clocks(_ database: Database) throws -> [String: BudgetClock] {
    let rows = try Row.fetchAll(database, cached: "SELECT * FROM clocks")
    return Dictionary(uniqueKeysWithValues: rows.map { ($0["scope"] as String, clock($0)) })
  }

  static func advanceClock(_ rules: BudgetRules, _ now: ClockReading, _ database: Database) throws -> BudgetDay {
    let row = try Row.fetchOne(database, cached: "SELECT * FROM clocks WHERE scope = ?", arguments: [rules.scope.key])
    return try advanceClock(rules, from: row.map(clock), now, database)
  }

  /// Moves a scope's day on, if it is time, and writes down what was seen of the clocks.
  private static func advanceClock(
    _ rules: BudgetRules, from known: BudgetClock?, _ now: ClockReading, _ database: Database
  ) throws -> BudgetDay {
    let clock = BudgetClock.advanced(known, now: now, zone: rules.zone)
    // A write costs an fsync: between two minutes of the same day nothing is lost by not writing.
    let isFresh = known.map { $0.date == clock.date && $0.bootID == clock.bootID && clock.age - $0.age < 60 } ?? false
    if !isFresh {
      try database.execute(
        cached: """
          INSERT INTO clocks (scope, day, age, since_boot, boot_id) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (scope) DO UPDATE SET day = excluded.day, age = excluded.age, since_boot = excluded.since_boot,
            boot_id = excluded.boot_id
          """, arguments: [rules.scope.key, clock.date.ordinal, clock.age, clock.sinceBoot, clock.bootID])
    }
    return clock.day(now: now, zone: rules.zone)
  }

  /// Every open hold counts against the day in force, whichever day it was taken on: what runs now may yet be charged.
  static func state(_ rules: BudgetRules, day: BudgetDay, _ database: Database) throws -> BudgetState {
    func amounts(_ sql: String, _ arguments: StatementArguments) throws -> BudgetAmounts {
      guard let row = try Row.fetchOne(database, cached: sql, arguments: arguments) else { return .zero }
      return BudgetAmounts(usd: MicroUSD(micros: row["usd"]), tokens: row["tokens"], decides: row["decides"])
    }
    let scope = rules.scope.key
    let spent = try amounts(
      "SELECT usd, tokens, decides FROM totals WHERE scope = ? AND day = ?", [scope, day.date.ordinal])
    let raised = try amounts(
      """
      SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(tokens), 0) AS tokens, coalesce(sum(decides), 0) AS decides
      FROM raises WHERE scope = ? AND day = ?
      """, [scope, day.date.ordinal])
    let holds = """
      SELECT coalesce(sum(left_usd), 0) AS usd, coalesce(sum(left_tokens), 0) AS tokens,
        coalesce(sum(left_decides), 0) AS decides
      FROM reservations WHERE state = 'open'
      """
    let reserved =
      rules.scope == .fleet ? try amounts(holds, []) : try amounts(holds + " AND tenant = ?", [scope])
    return BudgetState(day: day, spent: spent, reserved: reserved, caps: rules.caps.raised(by: raised))
  }
}
