internal import GRDB
package import Tenant

/// One line of a budget report: what was charged that shares all of these.
package struct BudgetRow: Sendable, Hashable {
  package let day: CivilDate
  /// Nil when the ledger's name is no tenant's any more.
  package let tenant: String
  package let kind: RunKind
  package let goal: String?
  package let worker: String?
  package let runner: String
  package let model: String?
  package let source: ChargeSource
  package let unpriced: Bool
  package let usd: MicroUSD
  package let tokens: ChargedTokens
  package let decides: Int64
  package let runs: Int64
}

extension Ledger {
  /// The charges of these days, summed by everything they can be attributed to; newest day first, dearest first in a day. A charge
  /// without a goal or worker keeps its own row: it is the "unattributed" of the report.
  package func rows(
    from first: CivilDate, through last: CivilDate, tenant: TenantID? = nil
  ) throws(LedgerError) -> [BudgetRow] {
    try read("report") { database in
      let arguments: StatementArguments = ["first": first.ordinal, "last": last.ordinal, "tenant": tenant?.name]
      return try Row.fetchAll(
        database,
        cached: """
          SELECT day, tenant, kind, goal, worker, runner, model, source, unpriced, sum(usd) AS usd, sum(input) AS input,
            sum(cache_read) AS cache_read, sum(cache_write) AS cache_write, sum(cache_write_long) AS cache_write_long,
            sum(output) AS output, sum(decides) AS decides, count(DISTINCT run_id) AS runs
          FROM charges WHERE superseded = 0 AND day BETWEEN :first AND :last AND (:tenant IS NULL OR tenant = :tenant)
          GROUP BY day, tenant, kind, goal, worker, runner, model, source, unpriced
          ORDER BY day DESC, usd DESC, tenant, kind, goal, worker, runner, model, source
          """, arguments: arguments
      ).compactMap { row in
        guard let kind = RunKind(rawValue: row["kind"]), let source = ChargeSource(rawValue: row["source"]) else {
          return nil
        }
        return BudgetRow(
          day: CivilDate(ordinal: row["day"]), tenant: row["tenant"], kind: kind, goal: row["goal"],
          worker: row["worker"],
          runner: row["runner"], model: row["model"], source: source, unpriced: row["unpriced"],
          usd: MicroUSD(micros: row["usd"]),
          tokens: ChargedTokens(
            input: row["input"], cacheRead: row["cache_read"], cacheWrite: row["cache_write"],
            cacheWriteLong: row["cache_write_long"], output: row["output"]),
          decides: row["decides"], runs: row["runs"])
      }
    }
  }

  /// The money of each worker since the beginning, for `workers --json`.
  package func workerSpending(of tenant: TenantID) throws(LedgerError) -> [String: MicroUSD] {
    try read("report") { database in
      let rows = try Row.fetchAll(
        database,
        cached: """
          SELECT worker, sum(usd) AS usd FROM charges
          WHERE tenant = ? AND worker IS NOT NULL AND kind = 'worker' AND superseded = 0 GROUP BY worker
          """, arguments: [tenant.name])
      return Dictionary(uniqueKeysWithValues: rows.map { ($0["worker"] as String, MicroUSD(micros: $0["usd"])) })
    }
  }

  /// What a day was charged, from the totals: of a tenant, or of the fleet by its own calendar.
  package func totals(of scope: BudgetScope, on day: CivilDate) throws(LedgerError) -> BudgetAmounts {
    try read("report") { database in
      try Row.fetchOne(
        database, cached: "SELECT usd, tokens, decides FROM totals WHERE scope = ? AND day = ?",
        arguments: [scope.key, day.ordinal]
      ).map { BudgetAmounts(usd: MicroUSD(micros: $0["usd"]), tokens: $0["tokens"], decides: $0["decides"]) } ?? .zero
    }
  }
}
