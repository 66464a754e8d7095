internal import GRDB
package import Tenant

/// The life of a hold: taken before a runner starts, closed exactly once.
extension Ledger {
  /// Takes a hold for a run, or says why not; both caps are checked and the hold is written in one transaction, so no number of
  /// callers can pass a cap between check and hold. Asked again for a run that already holds, it answers with that hold: the caller
  /// may have died before it learnt of it.
  ///
  /// `worstCase` nil: estimated from the tenant's past runs of this kind and the prompt.
  ///
  /// *Throws* `conflict` when the run was closed before: a run id is used once.
  package func reserve(
    _ request: RunRequest, worstCase: BudgetAmounts? = nil, tenant rules: BudgetRules, fleet: BudgetRules,
    prices: PriceTable, now: ClockReading
  ) throws(LedgerError) -> Admission {
    try write("reserve") { database in
      let days = try Self.days(rules, fleet, now, database)
      if let held = try Self.standing(request, rules, days, database) { return held }
      let state = try Self.state(rules, day: days.tenant, database)
      if let refusal = try Self.standingOrder(against: request, now: now, database) {
        return .refused(refusal, budget: state)
      }
      let fleetState = try Self.state(fleet, day: days.fleet, database)
      let amounts =
        try worstCase
        ?? Self.estimate(request, prices: prices, on: days.tenant.date, [state.caps, fleetState.caps], database)
      switch BudgetGate.decide(
        worstCase: amounts, budgets: [(rules.scope, state, rules.zone), (fleet.scope, fleetState, fleet.zone)])
      {
      case .refused(let refusal): return .refused(refusal, budget: state)
      case .granted: return try Self.take(request, amounts, rules, days, now, database)
      }
    }
  }

  /// A hold of nothing for what lives already, whatever the caps and the orders say: so that it is metered, and stopped where the
  /// money is spent.
  ///
  /// *Throws* `conflict` when the run was closed before.
  package func adopt(
    _ request: RunRequest, tenant rules: BudgetRules, fleet: BudgetRules, now: ClockReading
  ) throws(LedgerError) -> Admission {
    try write("adopt") { database in
      let days = try Self.days(rules, fleet, now, database)
      return try Self.standing(request, rules, days, database)
        ?? Self.take(request, .zero, rules, days, now, database)
    }
  }

  /// Closes a hold with what the run took. `countsDecide` false: the provider turned the run away, so it was no decide.
  ///
  /// Settling again changes nothing. Settling what was bound replaces the bound with the truth. When the ledger cannot be written this
  /// throws, and the settlement is kept and written before the ledger's next answer.
  @discardableResult
  package func settle(
    _ id: ReservationID, of tenant: TenantID, charges: [Charge], countsDecide: Bool = true, now: ClockReading
  ) throws(LedgerError) -> SettleOutcome {
    try close(Closing(id: id, tenant: tenant, charges: charges, countsDecide: countsDecide, now: now), "settle")
  }

  /// Books what a run has taken so far and lets go of that much of its hold; the run goes on. For a worker's transcript while it
  /// is followed. Events met before change nothing unless they have grown.
  package func meter(
    _ id: ReservationID, of tenant: TenantID, charges: [Charge], tenant rules: BudgetRules, fleet: BudgetRules,
    now: ClockReading
  ) throws(LedgerError) {
    try write("meter") { database in
      let row = try Self.reservation(id, of: tenant, database)
      let days = try Self.days(rules, fleet, now, database)
      let day = (days.tenant.date.ordinal, days.fleet.date.ordinal)
      for charge in charges { try Self.book(charge, on: row, decides: 0, day: day, now: now, database) }
    }
  }

  /// Closes a hold of a run that never began: nothing is charged.
  package func release(_ id: ReservationID, of tenant: TenantID, now: ClockReading) throws(LedgerError) {
    try write("release") { database in
      let row = try Self.reservation(id, of: tenant, database)
      guard row["state"] == "open" else { return }
      try Self.close(id, as: "released", now: now, database)
    }
  }

  /// Closes a hold of a run of which nothing can be known: what it still holds is charged, as an upper bound.
  package func bind(_ id: ReservationID, of tenant: TenantID, now: ClockReading) throws(LedgerError) {
    _ = try close(Closing(id: id, tenant: tenant, charges: nil, countsDecide: true, now: now), "bind")
  }

  /// What a restart has to ask about: every hold that nobody closed, oldest first.
  package func openReservations() throws(LedgerError) -> [OpenReservation] {
    try read("list reservations") { database in
      try Row.fetchAll(database, cached: "SELECT * FROM reservations WHERE state = 'open' ORDER BY id")
        .compactMap { row in
          guard let tenant = TenantID(row["tenant"]), let kind = RunKind(rawValue: row["kind"]) else { return nil }
          return OpenReservation(
            id: ReservationID(number: row["id"]),
            request: RunRequest(
              tenant: tenant, kind: kind, runID: row["run_id"], runner: row["runner"], model: row["model"],
              goal: row["goal"], worker: row["worker"]),
            openedAt: row["opened_at"], day: CivilDate(ordinal: row["day"]),
            left: BudgetAmounts(
              usd: MicroUSD(micros: row["left_usd"]), tokens: row["left_tokens"], decides: row["left_decides"]))
        }
    }
  }
}

// MARK: - Opening

extension Ledger {
  /// The days in force of a run's two budgets.
  private typealias Days = (tenant: BudgetDay, fleet: BudgetDay)

  private static func days(
    _ tenant: BudgetRules, _ fleet: BudgetRules, _ now: ClockReading, _ database: Database
  ) throws -> Days {
    (try advanceClock(tenant, now, database), try advanceClock(fleet, now, database))
  }

  /// The hold that this run has already.
  private static func standing(
    _ request: RunRequest, _ rules: BudgetRules, _ days: Days, _ database: Database
  ) throws -> Admission? {
    guard
      let row = try Row.fetchOne(
        database, cached: "SELECT * FROM reservations WHERE tenant = ? AND kind = ? AND run_id = ?",
        arguments: [request.tenant.name, request.kind.rawValue, request.runID])
    else { return nil }
    guard row["state"] == "open" else {
      throw LedgerError(
        .conflict, "reserve", path: nil, detail: "run \(request.runID) of \(request.tenant) was closed before")
    }
    let held = BudgetAmounts(usd: MicroUSD(micros: row["usd"]), tokens: row["tokens"], decides: row["decides"])
    return .granted(
      ReservationID(number: row["id"]), worstCase: held, budget: try state(rules, day: days.tenant, database))
  }

  private static func take(
    _ request: RunRequest, _ amounts: BudgetAmounts, _ rules: BudgetRules, _ days: Days, _ now: ClockReading,
    _ database: Database
  ) throws -> Admission {
    let amounts = bounded(amounts)
    try database.execute(
      cached: """
        INSERT INTO reservations (tenant, kind, run_id, runner, model, goal, worker, day, fleet_day, opened_at,
          usd, tokens, decides, left_usd, left_tokens, left_decides)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        request.tenant.name, request.kind.rawValue, request.runID, request.runner, request.model, request.goal,
        request.worker, days.tenant.date.ordinal, days.fleet.date.ordinal, now.wall, amounts.usd.micros, amounts.tokens,
        amounts.decides, amounts.usd.micros, amounts.tokens, amounts.decides,
      ])
    let id = ReservationID(number: database.lastInsertedRowID)
    return .granted(id, worstCase: amounts, budget: try state(rules, day: days.tenant, database))
  }

  /// From the tenant's past runs of this kind and the prompt.
  private static func estimate(
    _ request: RunRequest, prices: PriceTable, on date: CivilDate, _ caps: [BudgetCaps], _ database: Database
  ) throws -> BudgetAmounts {
    RunEstimate.worstCase(
      kind: request.kind, free: request.isFree, promptBytes: request.promptBytes, model: request.model, prices: prices,
      on: date, history: try pastRuns(of: request, database), caps: caps)
  }

  /// Also those that were stopped, by what is known of them: the dearest runs are, and what was charged only because nothing was
  /// known would grow with each estimate made of it.
  private static func pastRuns(of request: RunRequest, _ database: Database) throws -> [PastRun] {
    try Row.fetchAll(
      database,
      cached: """
        SELECT r.state, r.charged_usd - coalesce(b.usd, 0) AS usd, r.charged_tokens - coalesce(b.input, 0) AS tokens
        FROM reservations r
          LEFT JOIN charges b ON b.tenant = r.tenant AND b.event_id = 'bound/r' || r.id AND b.superseded = 0
        WHERE r.tenant = ? AND r.kind = ? AND r.runner = ? AND r.state IN ('settled', 'bound')
        ORDER BY r.id DESC LIMIT ?
        """, arguments: [request.tenant.name, request.kind.rawValue, request.runner, RunEstimate.memory]
    ).map { (state: $0["state"] as String, run: PastRun(usd: MicroUSD(micros: $0["usd"]), tokens: $0["tokens"])) }
      .filter { $0.state == "settled" || $0.run.usd > .zero || $0.run.tokens > 0 }.map(\.run)
  }
}

// MARK: - Closing

extension Ledger {
  static func close(_ closing: Closing, _ database: Database) throws -> SettleOutcome {
    let row = try reservation(closing.id, of: closing.tenant, database)
    return if let charges = closing.charges {
      try settle(closing, charges, row, database)
    } else {
      try bind(closing, row, database)
    }
  }

  /// What is still held becomes the charge.
  private static func bind(_ closing: Closing, _ row: Row, _ database: Database) throws -> SettleOutcome {
    guard row["state"] == "open" else { return .alreadyClosed }
    let charge = Charge(
      eventID: boundEvent(closing.id), source: .bound, usd: MicroUSD(micros: row["left_usd"]),
      tokens: ChargedTokens(input: row["left_tokens"]), model: row["model"], at: row["opened_at"])
    try book(
      charge, on: row, decides: row["left_decides"], day: try day(of: row, database), now: closing.now, database)
    try close(closing.id, as: "bound", now: closing.now, database)
    return .settled
  }

  private static func settle(
    _ closing: Closing, _ charges: [Charge], _ row: Row, _ database: Database
  ) throws -> SettleOutcome {
    let wasBound = row["state"] == "bound"
    guard wasBound || row["state"] == "open" else { return .alreadyClosed }
    let boundDay = wasBound ? try supersede(boundEvent(closing.id), of: closing.tenant, database) : nil
    let day = try boundDay ?? day(of: row, database)
    let decides: Int64 = closing.countsDecide ? row["decides"] : 0
    // A run that cost nothing is still a decide, and a row that can be traced.
    let nothing = Charge(eventID: "run/\(closing.id)", source: .reported, usd: .zero)
    for (index, charge) in (charges.isEmpty && decides > 0 ? [nothing] : charges).enumerated() {
      try book(charge, on: row, decides: index == 0 ? decides : 0, day: day, now: closing.now, database)
    }
    try close(closing.id, as: "settled", now: closing.now, database)
    return wasBound ? .corrected : .settled
  }

  /// A decide belongs to the day that it began on. A worker lives for long: what its end says is felt by the day in force, as when
  /// it is metered; the caller has moved that on.
  private static func day(of row: Row, _ database: Database) throws -> ChargeDay {
    let begun: ChargeDay = (row["day"], row["fleet_day"])
    guard row["kind"] == RunKind.worker.rawValue else { return begun }
    func inForce(_ scope: String) throws -> Int64? {
      try Int64.fetchOne(database, cached: "SELECT day FROM clocks WHERE scope = ?", arguments: [scope])
    }
    return (
      try inForce(row["tenant"]) ?? begun.tenant, try inForce(BudgetScope.fleet.key) ?? begun.fleet
    )
  }

  static func boundEvent(_ id: ReservationID) -> String { "bound/\(id)" }

  /// A tenant can name only its own reservations: the number comes over its door.
  private static func reservation(_ id: ReservationID, of tenant: TenantID, _ database: Database) throws -> Row {
    guard
      let row = try Row.fetchOne(
        database, cached: "SELECT * FROM reservations WHERE id = ? AND tenant = ?", arguments: [id.number, tenant.name])
    else {
      throw LedgerError(.conflict, "find it", path: nil, detail: "\(tenant) has no reservation \(id)")
    }
    return row
  }

  private static func close(_ id: ReservationID, as state: String, now: ClockReading, _ database: Database) throws {
    try database.execute(
      cached: """
        UPDATE reservations SET state = ?, closed_at = ?, left_usd = 0, left_tokens = 0, left_decides = 0 WHERE id = ?
        """, arguments: [state, now.wall, id.number])
  }
}
