internal import GRDB
import Tenant

/// The asks that breached budgets raise, each tenant's and the fleet's: the supervisor's own, shown in the one mailbox beside the tenants'.
extension Ledger {
  /// The ask of this day's breach: made if there is none, the pending one if there is, and the answered one if a person chose to
  /// wait. Only after a raise a further breach asks again. `rules` are of the budget that is breached.
  package func openBudgetAsk(
    _ refusal: AdmissionRefusal, rules: BudgetRules, now: ClockReading
  ) throws(LedgerError) -> BudgetAsk {
    try write("raise an ask") { database in
      let day = try Self.advanceClock(rules, now, database).date
      let known = try Row.fetchAll(
        database, cached: "SELECT * FROM budget_asks WHERE scope = ? AND day = ? ORDER BY at, id",
        arguments: [rules.scope.key, day.ordinal]
      ).compactMap(Self.ask)
      if let last = known.first(where: { $0.answer == nil }) ?? known.last {
        let asksAgain = last.answer.map { BudgetAnswer($0, axis: last.axis) != .wait } ?? false
        guard asksAgain else { return last }
      }
      let ask = BudgetAsk(
        scope: rules.scope, id: BudgetAsk.id(day: day, number: known.count + 1), day: day, axis: refusal.axis ?? .usd,
        prompt: BudgetAsk.prompt(refusal), at: now.wall, answer: nil)
      try database.execute(
        cached: "INSERT INTO budget_asks (scope, id, day, axis, prompt, at) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [ask.scope.key, ask.id, day.ordinal, ask.axis.rawValue, ask.prompt, ask.at])
      return ask
    }
  }

  /// Whether this budget ever asked this, answered or not.
  package func hasBudgetAsk(_ id: String, of scope: BudgetScope) throws(LedgerError) -> Bool {
    try read("look for an ask") { try Self.budgetAsk(id, of: scope, $0) != nil }
  }

  /// Those that wait for an answer. An ask of a day that is over is closed as it is found: its reset has come.
  package func pendingBudgetAsks(_ rules: [BudgetRules], now: ClockReading) throws(LedgerError) -> [BudgetAsk] {
    let rules = Dictionary(rules.map { ($0.scope, $0) }, uniquingKeysWith: { first, _ in first })
    return try write("list budget asks") { database in
      let pending = try Row.fetchAll(
        database, cached: "SELECT * FROM budget_asks WHERE answered_at IS NULL ORDER BY at, scope, id"
      ).compactMap(Self.ask)
      return try pending.filter { ask in
        guard let rules = rules[ask.scope] else { return false }
        let today = try Self.advanceClock(rules, now, database).date
        guard ask.day != today else { return true }
        try Self.close(ask, answer: "wait", actor: "looop-fleet", via: "reset", now: now, database)
        return false
      }
    }
  }

  /// The first answer wins; a raise is booked in the same transaction. `rules` are of the budget that asked.
  package func answerBudgetAsk(
    _ id: String, text: String, actor: String, via: String, rules: BudgetRules, now: ClockReading
  ) throws(LedgerError) -> BudgetAskOutcome {
    try write("answer an ask") { database in
      guard let ask = try Self.budgetAsk(id, of: rules.scope, database) else { return .unknown }
      if let answer = ask.answer { return .alreadyAnswered(answer) }
      let today = try Self.advanceClock(rules, now, database).date
      // A raise is for the day of its ask: answered after the reset it would give the new day money that nobody meant for it.
      guard ask.day == today else { return .alreadyAnswered("the budget was reset") }
      guard let answer = BudgetAnswer(text, axis: ask.axis) else {
        return .notUnderstood("answer `raise AMOUNT` or `wait`")
      }
      try Self.close(ask, answer: text, actor: actor, via: via, now: now, database)
      if case .raise(let amounts) = answer {
        _ = try Self.book(
          BudgetRaise(
            scope: ask.scope, amounts: amounts, actor: actor, via: via, request: "\(ask.scope.key)/\(id)"),
          rules: rules, now: now, database)
      } else {
        try Self.audit(
          AuditEntry(at: now.wall, actor: actor, via: via, action: "budget wait", scope: ask.scope, detail: id),
          database)
      }
      return .answered(answer)
    }
  }
}

extension Ledger {
  /// A raise by other means is an answer too: what still asks for it is closed.
  static func closeBudgetAsks(
    by raise: BudgetRaise, on day: CivilDate, now: ClockReading, _ database: Database
  ) throws {
    let pending = try Row.fetchAll(
      database, cached: "SELECT * FROM budget_asks WHERE scope = ? AND day = ? AND answered_at IS NULL",
      arguments: [raise.scope.key, day.ordinal]
    ).compactMap(ask)
    for ask in pending where raise.amounts[ask.axis] > 0 {
      try close(ask, answer: "raise \(raise.words)", actor: raise.actor, via: raise.via, now: now, database)
    }
  }

  private static func close(
    _ ask: BudgetAsk, answer: String, actor: String, via: String, now: ClockReading, _ database: Database
  ) throws {
    try database.execute(
      cached: "UPDATE budget_asks SET answer = ?, answered_at = ?, actor = ?, via = ? WHERE scope = ? AND id = ?",
      arguments: [answer, now.wall, actor, via, ask.scope.key, ask.id])
  }

  private static func budgetAsk(_ id: String, of scope: BudgetScope, _ database: Database) throws -> BudgetAsk? {
    try Row.fetchOne(
      database, cached: "SELECT * FROM budget_asks WHERE scope = ? AND id = ?", arguments: [scope.key, id]
    ).flatMap(ask)
  }

  private static func ask(_ row: Row) -> BudgetAsk? {
    guard let scope = BudgetScope(key: row["scope"]), let axis = BudgetAxis(rawValue: row["axis"]) else { return nil }
    return BudgetAsk(
      scope: scope, id: row["id"], day: CivilDate(ordinal: row["day"]), axis: axis, prompt: row["prompt"],
      at: row["at"], answer: row["answer"])
  }
}

package enum BudgetAskOutcome: Sendable, Hashable {
  case answered(BudgetAnswer)
  case alreadyAnswered(String)
  case unknown
  /// The ask stays open; what it wants, in words.
  case notUnderstood(String)
}
