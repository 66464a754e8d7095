internal import GRDB
import Tenant

/// How one charge gets into the books: its row, the totals of its tenant and of the fleet, and what is left of its hold, all in the
/// transaction of the caller.
extension Ledger {
  typealias ChargeDay = (tenant: Int64, fleet: Int64)

  /// Writes one charge, or lets it replace an earlier reading of its event, and moves the totals and the hold by the difference.
  static func book(
    _ charge: Charge, on reservation: Row, decides: Int64, day: ChargeDay, now: ClockReading, _ database: Database
  ) throws {
    let tenant: String = reservation["tenant"]
    let charge = try withoutEarlierRuns(bounded(charge), of: reservation, database)
    let known = try Row.fetchOne(
      database, cached: "SELECT * FROM charges WHERE tenant = ? AND event_id = ?", arguments: [tenant, charge.eventID])
    let change: BudgetAmounts
    if let known {
      guard let correction = try correct(known, by: charge, decides: decides, database) else { return }
      change = correction
    } else {
      change = try insert(charge, on: reservation, decides: decides, day: day, now: now, database)
    }
    // A correction belongs to the day on which its event was charged first.
    try addToTotals(
      change, tenant: tenant, day: known.map { ($0["day"], $0["fleet_day"]) as ChargeDay } ?? day, database)
    try shrinkHold(of: reservation, by: change, database)
  }

  private static func insert(
    _ charge: Charge, on reservation: Row, decides: Int64, day: ChargeDay, now: ClockReading, _ database: Database
  ) throws -> BudgetAmounts {
    let tokens = charge.tokens
    try database.execute(
      cached: """
        INSERT INTO charges (tenant, event_id, reservation, kind, run_id, runner, model, goal, worker, session, day,
          fleet_day, at, source, unpriced, usd, input, cache_read, cache_write, cache_write_long, output, decides)
        SELECT tenant, ?, id, kind, run_id, runner, coalesce(?, model), goal, worker, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
        FROM reservations WHERE id = ?
        """,
      arguments: [
        charge.eventID, charge.model, charge.session, day.tenant, day.fleet, charge.at ?? now.wall,
        charge.source.rawValue, charge.unpriced, charge.usd.micros, tokens.input, tokens.cacheRead, tokens.cacheWrite,
        tokens.cacheWriteLong, tokens.output, decides, reservation["id"] as Int64,
      ])
    return BudgetAmounts(usd: charge.usd, tokens: tokens.total, decides: decides)
  }

  /// The difference that a better reading of a known event makes; nil where it is none.
  private static func correct(
    _ row: Row, by charge: Charge, decides: Int64, _ database: Database
  ) throws -> BudgetAmounts? {
    let (known, wasDecides, wasSuperseded) = (Self.charge(row), row["decides"] as Int64, row["superseded"] == 1)
    let isBetter = wasSuperseded || charge.replaces(known)
    guard isBetter || decides > wasDecides else { return nil }
    let chosen = isBetter ? charge : known
    let most = max(decides, wasDecides)
    try database.execute(
      cached: """
        UPDATE charges SET source = ?, unpriced = ?, usd = ?, input = ?, cache_read = ?, cache_write = ?,
          cache_write_long = ?, output = ?, model = coalesce(?, model), decides = ?, superseded = 0
        WHERE tenant = ? AND event_id = ?
        """,
      arguments: [
        chosen.source.rawValue, chosen.unpriced, chosen.usd.micros, chosen.tokens.input, chosen.tokens.cacheRead,
        chosen.tokens.cacheWrite, chosen.tokens.cacheWriteLong, chosen.tokens.output, chosen.model, most,
        row["tenant"] as String, charge.eventID,
      ])
    // What was superseded is in no total.
    guard !wasSuperseded else { return BudgetAmounts(usd: chosen.usd, tokens: chosen.tokens.total, decides: most) }
    return BudgetAmounts(
      usd: chosen.usd - known.usd, tokens: chosen.tokens.total - known.tokens.total, decides: most - wasDecides)
  }

  /// A hold shrinks by what is now known to be spent, and never grows again.
  private static func shrinkHold(of reservation: Row, by change: BudgetAmounts, _ database: Database) throws {
    try database.execute(
      cached: """
        UPDATE reservations SET charged_usd = min(:top, max(0, charged_usd + :usd)),
          charged_tokens = min(:top, max(0, charged_tokens + :tokens)),
          left_usd = max(0, left_usd - max(0, :usd)), left_tokens = max(0, left_tokens - max(0, :tokens)),
          left_decides = max(0, left_decides - max(0, :decides))
        WHERE id = :id
        """,
      arguments: [
        "usd": change.usd.micros, "tokens": change.tokens, "decides": change.decides, "id": reservation["id"] as Int64,
        "top": greatestTotal,
      ])
  }

  /// Takes a charge out of the totals, keeping its row; the answer is the day that it was in.
  static func supersede(_ eventID: String, of tenant: TenantID, _ database: Database) throws -> ChargeDay? {
    guard
      let row = try Row.fetchOne(
        database, cached: "SELECT * FROM charges WHERE tenant = ? AND event_id = ? AND superseded = 0",
        arguments: [tenant.name, eventID])
    else { return nil }
    let known = charge(row)
    let decides: Int64 = row["decides"]
    let back = BudgetAmounts(usd: .zero - known.usd, tokens: -known.tokens.total, decides: -decides)
    let day: ChargeDay = (row["day"], row["fleet_day"])
    try addToTotals(back, tenant: tenant.name, day: day, database)
    try database.execute(
      cached: "UPDATE charges SET superseded = 1 WHERE tenant = ? AND event_id = ?", arguments: [tenant.name, eventID])
    try database.execute(
      cached:
        "UPDATE reservations SET charged_usd = max(0, charged_usd - ?), charged_tokens = max(0, charged_tokens - ?) WHERE id = ?",
      arguments: [known.usd.micros, known.tokens.total, row["reservation"] as Int64?])
    return day
  }

  /// No single charge is larger (a billion dollars): what a broken or hostile runner reports is held to it, so that sums stay whole
  /// numbers. Past 64 bits SQLite would silently go on in floating point.
  private static let greatestCharge: Int64 = 1_000_000_000_000_000
  private static let greatestTotal: Int64 = 4_000_000_000_000_000_000

  private static func bounded(_ value: Int64) -> Int64 { min(max(0, value), greatestCharge) }

  /// A hold is summed up with all others too.
  static func bounded(_ amounts: BudgetAmounts) -> BudgetAmounts {
    BudgetAmounts(
      usd: MicroUSD(micros: bounded(amounts.usd.micros)), tokens: bounded(amounts.tokens),
      decides: bounded(amounts.decides))
  }

  private static func bounded(_ charge: Charge) -> Charge {
    var charge = charge
    charge.usd = MicroUSD(micros: bounded(charge.usd.micros))
    charge.tokens = ChargedTokens(
      input: bounded(charge.tokens.input), cacheRead: bounded(charge.tokens.cacheRead),
      cacheWrite: bounded(charge.tokens.cacheWrite), cacheWriteLong: bounded(charge.tokens.cacheWriteLong),
      output: bounded(charge.tokens.output))
    return charge
  }

  /// A resumed session's totals hold what its earlier runs were charged already.
  private static func withoutEarlierRuns(
    _ charge: Charge, of reservation: Row, _ database: Database
  ) throws -> Charge {
    guard charge.isCumulative, let session = charge.session else { return charge }
    let earlier = try Row.fetchOne(
      database,
      cached: """
        SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(input), 0) AS input, coalesce(sum(cache_read), 0) AS cache_read,
          coalesce(sum(cache_write), 0) AS cache_write, coalesce(sum(cache_write_long), 0) AS cache_write_long,
          coalesce(sum(output), 0) AS output
        FROM charges WHERE tenant = ? AND session = ? AND event_id != ? AND model IS ? AND superseded = 0
          AND source != 'bound'
        """,
      arguments: [reservation["tenant"] as String, session, charge.eventID, charge.model ?? reservation["model"]])
    guard let earlier else { return charge }
    var rest = charge
    rest.usd = max(.zero, charge.usd - MicroUSD(micros: earlier["usd"]))
    func less(_ bucket: KeyPath<ChargedTokens, Int64>, _ column: String) -> Int64 {
      max(0, charge.tokens[keyPath: bucket] - (earlier[column] as Int64))
    }
    rest.tokens = ChargedTokens(
      input: less(\.input, "input"), cacheRead: less(\.cacheRead, "cache_read"),
      cacheWrite: less(\.cacheWrite, "cache_write"), cacheWriteLong: less(\.cacheWriteLong, "cache_write_long"),
      output: less(\.output, "output"))
    return rest
  }

  static func charge(_ row: Row) -> Charge {
    Charge(
      eventID: row["event_id"], source: ChargeSource(rawValue: row["source"]) ?? .bound, unpriced: row["unpriced"],
      usd: MicroUSD(micros: row["usd"]),
      tokens: ChargedTokens(
        input: row["input"], cacheRead: row["cache_read"], cacheWrite: row["cache_write"],
        cacheWriteLong: row["cache_write_long"], output: row["output"]),
      model: row["model"], session: row["session"], at: row["at"])
  }

  static func addToTotals(
    _ change: BudgetAmounts, tenant: String, day: ChargeDay, _ database: Database
  ) throws {
    for (scope, day) in [(tenant, day.tenant), (BudgetScope.fleet.key, day.fleet)] {
      try database.execute(
        cached: """
          INSERT INTO totals (scope, day, usd, tokens, decides) VALUES (:scope, :day, :usd, :tokens, :decides)
          ON CONFLICT (scope, day) DO UPDATE SET usd = min(usd + excluded.usd, :top),
            tokens = min(tokens + excluded.tokens, :top), decides = min(decides + excluded.decides, :top)
          """,
        arguments: [
          "scope": scope, "day": day, "usd": change.usd.micros, "tokens": change.tokens, "decides": change.decides,
          "top": greatestTotal,
        ])
    }
  }
}
