internal import GRDB
package import Tenant

/// Charges by the price list follow the list: what was priced by a wrong one is put right.
extension Ledger {
  /// Prices what is kept again where the list is another one than the last time; answers how many charges changed.
  package func follow(_ prices: PriceTable, today: CivilDate) throws(LedgerError) -> Int {
    let mark = prices.fingerprint
    guard try note(Self.pricesKey) != mark else { return 0 }
    let changed = try reprice(from: today.advanced(by: -Self.retention), through: today.advanced(by: 1), prices: prices)
    try note(Self.pricesKey, mark)
    return changed
  }

  private static let pricesKey = "prices"

  /// Prices every `priced` charge of these days again, after the table was corrected. Returns how many changed.
  @discardableResult
  package func reprice(from first: CivilDate, through last: CivilDate, prices: PriceTable) throws(LedgerError) -> Int {
    try write("price again") { database in
      var changed = 0
      let rows = try Row.fetchAll(
        database,
        cached: "SELECT * FROM charges WHERE source = 'priced' AND superseded = 0 AND day BETWEEN ? AND ?",
        arguments: [first.ordinal, last.ordinal])
      for row in rows {
        let known = Self.charge(row)
        // A worker's charge is one call of the model; a tick's are all of its run.
        let quote = prices.price(
          known.tokens, model: known.model, on: CivilDate(ordinal: row["day"]),
          isOneRequest: row["kind"] == RunKind.worker.rawValue)
        guard quote.usd != known.usd || quote.unpriced != known.unpriced else { continue }
        try database.execute(
          cached: "UPDATE charges SET usd = ?, unpriced = ? WHERE tenant = ? AND event_id = ?",
          arguments: [quote.usd.micros, quote.unpriced, row["tenant"] as String, known.eventID])
        try Self.addToTotals(
          BudgetAmounts(usd: quote.usd - known.usd), tenant: row["tenant"], day: (row["day"], row["fleet_day"]),
          database)
        changed += 1
      }
      return changed
    }
  }
}
