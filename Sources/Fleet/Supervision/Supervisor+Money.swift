import Logging
import Tenant

/// Money: nothing starts without a hold that is on disk, and every hold is settled with the best that can be known.
/// A ledger that cannot be written holds every decide of the fleet, says why, and is tried again with the next wish.
extension Supervisor {
  func rules(of tenant: SupervisedTenant) -> BudgetRules {
    tenant.configuration.budgetRules
  }

  var fleetRules: BudgetRules { fleet.budgetRules }

  func reserve(_ request: RunRequest, for name: String) async -> JSON {
    guard let tenant = tenants[name] else { return Self.refusal("the tenant is gone", retryAt: nil) }
    let (rules, fleetRules, prices, now) = (rules(of: tenant), fleetRules, prices, ClockReading.now(clock))
    let result = await ledger.perform { ledger in
      let admission = try ledger.reserve(request, tenant: rules, fleet: fleetRules, prices: prices, now: now)
      if case .refused(let refusal, _) = admission, refusal.axis != nil, refusal.scope != .fleet {
        _ = try ledger.openBudgetAsk(refusal, of: request.tenant, rules: rules, now: now)
      }
      return admission
    }
    switch result {
    case .success(let admission):
      ledgerAnswered()
      await book(admission, of: name)
      return admission.json
    case .failure(let error):
      ledgerFailed(error)
      return Self.refusal(ledgerTrouble ?? error.description, retryAt: nil)
    }
  }

  private func book(_ admission: Admission, of name: String) async {
    switch admission {
    case .granted(_, _, let budget):
      tenants[name]?.budget = budget
      tenants[name]?.state.held = nil
    case .refused(let refusal, let budget):
      tenants[name]?.budget = budget
      if tenants[name]?.state.held != refusal.reason { say("held: \(refusal.reason)", about: name, level: .warning) }
      tenants[name]?.state.held = refusal.reason
      await refreshBudgetAsks()
      changed(.tenants)
    }
  }

  /// What the beat says that its run used. The tenant's word: a reservation of another tenant is not found by it.
  func settle(_ name: String, _ line: JSON) async {
    dropDecide(name)
    guard let tenant = tenants[name], let text = line["reservation"]?.string, let id = ReservationID(text),
      let runID = line["run_id"]?.string
    else { return }
    let usage = line["usage"].flatMap(RunUsage.init(json:))
    if let usage, let until = usage.rateLimitedUntil, until > clock.now { await park(name, usage.runner, until: until) }
    await settle(id, of: tenant, runID: runID, usage: usage)
    await refreshBudget(name)
  }

  func settle(_ id: ReservationID, of tenant: SupervisedTenant, runID: String, usage: RunUsage?) async {
    let now = ClockReading.now(clock)
    let date = tenant.configuration.zone.date(at: now.wall)
    let charge = usage.flatMap { RunCharge.of($0, runID: runID, prices: prices, on: date) }
    let tenantID = tenant.id
    let result = await ledger.perform { ledger in
      if let charge {
        _ = try ledger.settle(id, of: tenantID, charges: charge.map { [$0] } ?? [], now: now)
      } else {
        try ledger.bind(id, of: tenantID, now: now)
      }
    }
    // The hold stays open where it could not be settled: it is closed with the next restart's look at it.
    if case .failure(let error) = result { ledgerFailed(error) }
  }

  private func park(_ name: String, _ runner: String, until: Int64) async {
    guard let tenant = tenants[name] else { return }
    // A little later than the provider says, each tenant at its own moment: not all at once.
    let jitter = Int64(Timetable.offset(of: name, interval: 60))
    let account = ParkedAccount(
      tenant: tenant.id, runner: runner, until: until + jitter, reason: "its provider's limit for \(runner)")
    _ = await ledger.perform { try $0.park(account) }
    say("\(runner) is rate limited: parked until \(LocalTime(until + jitter).clock)", about: name, level: .warning)
  }

  // MARK: - What is left

  func refreshBudget(_ name: String) async {
    guard let tenant = tenants[name] else { return }
    let (rules, now) = (rules(of: tenant), ClockReading.now(clock))
    switch await ledger.perform({ try $0.state(rules, now: now) }) {
    case .success(let state):
      ledgerAnswered()
      take(state, of: name)
    case .failure(let error): ledgerFailed(error)
    }
  }

  func refreshBudgets() async {
    let names = tenants.keys.sorted()
    let all = names.compactMap { tenants[$0].map(rules(of:)) } + [fleetRules]
    let now = ClockReading.now(clock)
    switch await ledger.perform({ try $0.states(all, now: now) }) {
    case .success(let states):
      ledgerAnswered()
      for (name, state) in zip(names, states) { take(state, of: name) }
      fleetBudget = states.last
    case .failure(let error): ledgerFailed(error)
    }
    await refreshBudgetAsks()
  }

  private func take(_ state: BudgetState, of name: String) {
    let before = tenants[name]?.budget
    tenants[name]?.budget = state
    // A new day, a raise, or a settlement below the hold lifts it; the next decide finds out whether it may.
    if tenants[name]?.state.held != nil, before?.day != state.day || state.standing != .held, before != state {
      tenants[name]?.state.held = nil
      changed(.tenants)
    }
  }

  func refreshBudgetAsks() async {
    let rules = Dictionary(uniqueKeysWithValues: tenants.values.map { ($0.id, self.rules(of: $0)) })
    let now = ClockReading.now(clock)
    guard case .success(let asks) = await ledger.perform({ try $0.pendingBudgetAsks(rules, now: now) }) else { return }
    if asks != budgetAsks {
      let isNew = asks.contains { !budgetAsks.contains($0) }
      budgetAsks = asks
      changed(isNew ? .asks : .answers)
    }
  }

  // MARK: - The ledger's own health

  func ledgerFailed(_ error: LedgerError) {
    let words = "the ledger cannot be used, so no decide may start: \(error.reason)"
    if ledgerTrouble != words { say("\(words) (\(error.hint))", level: .error) }
    ledgerTrouble = words
    changed(.tenants)
  }

  func ledgerAnswered() {
    guard ledgerTrouble != nil else { return }
    ledgerTrouble = nil
    say("the ledger can be used again")
    changed(.tenants)
  }

  /// After a start: what was held when the last supervisor ended. A run that still goes on keeps its hold; one that ended is
  /// settled with what it left on disk, or charged as an upper bound.
  func recoverLedger() async {
    if case .failure(let error) = await ledger.perform({ try $0.verify() }) { ledgerFailed(error) }
  }

  /// Closes the holds of a tenant whose beat is over: whatever it did not settle itself.
  func closeAbandoned(_ name: String) {
    guard let tenant = tenants[name] else { return }
    Task {
      guard case .success(let open) = await ledger.perform({ try $0.openReservations() }) else { return }
      for reservation in open where reservation.request.tenant == tenant.id && reservation.request.kind == .tick {
        await closeAbandoned(reservation, of: tenant)
      }
      await refreshBudget(name)
    }
  }

  private func closeAbandoned(_ reservation: OpenReservation, of tenant: SupervisedTenant) async {
    let runID = reservation.request.runID
    let result = await helper(tenant, ["usage", runID, "--json"])
    switch result {
    case .success(let json):
      if json["running"]?.bool == true { return }
      await settle(reservation.id, of: tenant, runID: runID, usage: json["usage"].flatMap(RunUsage.init(json:)))
    case .failure:
      await settle(reservation.id, of: tenant, runID: runID, usage: nil)
    }
  }
}

/// From what a runner used to what is charged for it: pure.
enum RunCharge {
  /// `nil`: nothing is known, the hold is charged as an upper bound. `.some(nil)`: it is known to have cost nothing.
  static func of(_ usage: RunUsage, runID: String, prices: PriceTable, on date: CivilDate) -> Charge?? {
    if usage.runner == "rules" { return .some(nil) }
    let tokens = usage.tokens.map {
      ChargedTokens(input: $0.input, cacheRead: $0.cacheRead, cacheWrite: $0.cacheWrite, output: $0.output)
    }
    // A run whose end was not seen reports a lower bound: that is no basis for a charge.
    guard usage.complete else { return nil }
    if let reported = usage.microUSD, reported > 0 || tokens?.total ?? 0 == 0 {
      return .some(
        Charge(
          eventID: "run/\(runID)", source: .reported, usd: MicroUSD(micros: reported), tokens: tokens ?? .zero,
          model: usage.model, session: usage.session))
    }
    guard let tokens else { return nil }
    let quote = prices.price(tokens, model: usage.model, on: date)
    return .some(
      Charge(
        eventID: "run/\(runID)", source: .priced, unpriced: quote.unpriced, usd: quote.usd, tokens: tokens,
        model: usage.model, session: usage.session))
  }
}
