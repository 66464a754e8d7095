internal import GRDB
import Tenant

/// The asks that breached budgets raise: the supervisor's own, shown in the one mailbox beside the tenants'.
extension Ledger {
  /// The ask of this day's breach: made if there is none, the pending one if there is, and the answered one if a person chose to
  /// wait. Only after a raise a further breach asks again.
  package func openBudgetAsk(
    _ refusal: AdmissionRefusal, of tenant: TenantID, rules: BudgetRules, now: ClockReading
  ) throws(LedgerError) -> BudgetAsk {
    try write("raise an ask") { database in
      let day = try Self.advanceClock(rules, now, database).date
      let known = try Row.fetchAll(
        database, sql: "SELECT * FROM budget_asks WHERE scope = ? AND day = ? ORDER BY at, id",
        arguments: [tenant.name, day.ordinal]
      ).compactMap(Self.ask)
      if let last = known.first(where: { $0.answer == nil }) ?? known.last {
        let asksAgain = last.answer.map { BudgetAnswer($0, axis: last.axis) != .wait } ?? false
        guard asksAgain else { return last }
      }
      let ask = BudgetAsk(
        tenant: tenant, id: BudgetAsk.id(day: day, number: known.count + 1), day: day, axis: refusal.axis ?? .usd,
        prompt: BudgetAsk.prompt(refusal), at: now.wall, answer: nil)
      try database.execute(
        sql: "INSERT INTO budget_asks (scope, id, day, axis, prompt, at) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [tenant.name, ask.id, day.ordinal, ask.axis.rawValue, ask.prompt, ask.at])
      return ask
    }
  }

  /// Whether the budget ever asked this, answered or not.
  package func hasBudgetAsk(_ id: String, of tenant: TenantID) throws(LedgerError) -> Bool {
    try read("look for an ask") { database in
      try Row.fetchOne(
        database, sql: "SELECT 1 FROM budget_asks WHERE scope = ? AND id = ?", arguments: [tenant.name, id]) != nil
    }
  }

  /// Those that wait for an answer. An ask of a day that is over is closed as it is found: its reset has come.
  package func pendingBudgetAsks(_ rules: [TenantID: BudgetRules], now: ClockReading) throws(LedgerError) -> [BudgetAsk]
  {
    try write("list budget asks") { database in
      let pending = try Row.fetchAll(
        database, sql: "SELECT * FROM budget_asks WHERE answered_at IS NULL ORDER BY at, scope, id"
      ).compactMap(Self.ask)
      return try pending.filter { ask in
        guard let rules = rules[ask.tenant] else { return false }
        let today = try Self.advanceClock(rules, now, database).date
        guard ask.day != today else { return true }
        try database.execute(
          sql:
            "UPDATE budget_asks SET answer = 'wait', answered_at = ?, actor = 'looop-fleet', via = 'reset' WHERE scope = ? AND id = ?",
          arguments: [now.wall, ask.tenant.name, ask.id])
        return false
      }
    }
  }

  /// The first answer wins; a raise is booked in the same transaction.
  package func answerBudgetAsk(
    _ id: String, of tenant: TenantID, text: String, actor: String, via: String, rules: BudgetRules, now: ClockReading
  ) throws(LedgerError) -> BudgetAskOutcome {
    try write("answer an ask") { database in
      guard
        let ask = try Row.fetchOne(
          database, sql: "SELECT * FROM budget_asks WHERE scope = ? AND id = ?", arguments: [tenant.name, id]
        ).flatMap(Self.ask)
      else { return .unknown }
      if let answer = ask.answer { return .alreadyAnswered(answer) }
      let today = try Self.advanceClock(rules, now, database).date
      // A raise is for the day of its ask: answered after the reset it would give the new day money that nobody meant for it.
      guard ask.day == today else { return .alreadyAnswered("the budget was reset") }
      guard let answer = BudgetAnswer(text, axis: ask.axis) else {
        return .notUnderstood("answer `raise AMOUNT` or `wait`")
      }
      try database.execute(
        sql: "UPDATE budget_asks SET answer = ?, answered_at = ?, actor = ?, via = ? WHERE scope = ? AND id = ?",
        arguments: [text, now.wall, actor, via, tenant.name, id])
      if case .raise(let amounts) = answer {
        _ = try Self.book(
          BudgetRaise(
            scope: .tenant(tenant), amounts: amounts, actor: actor, via: via, request: "\(tenant.name)/\(id)"),
          rules: rules, now: now, database)
      } else {
        try Self.audit(
          AuditEntry(
            at: now.wall, actor: actor, via: via, action: "budget wait", scope: .tenant(tenant), detail: id), database)
      }
      return .answered(answer)
    }
  }

  private static func ask(_ row: Row) -> BudgetAsk? {
    guard let tenant = TenantID(row["scope"]), let axis = BudgetAxis(rawValue: row["axis"]) else { return nil }
    return BudgetAsk(
      tenant: tenant, id: row["id"], day: CivilDate(ordinal: row["day"]), axis: axis, prompt: row["prompt"],
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
