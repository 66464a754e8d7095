import Logging
import Tenant

/// Money: nothing starts without a hold that is on disk, and every hold is settled with the best that can be known.
/// A ledger that cannot be written holds every decide of the fleet, says why, and is tried again with the next wish.
extension Supervisor {
  func rules(of tenant: SupervisedTenant) -> BudgetRules {
    tenant.configuration.budgetRules
  }

  var fleetRules: BudgetRules { fleet.budgetRules }

  /// A hold for a run, or why not; a cap that stands in the way asks in the mailbox, the tenant's or the fleet's.
  func reserve(_ request: RunRequest, of tenant: SupervisedTenant) async -> Result<Admission, LedgerError> {
    let (rules, fleetRules, prices, now) = (rules(of: tenant), fleetRules, prices, ClockReading.now(clock))
    let result = await ledger.perform { ledger in
      let admission = try ledger.reserve(request, tenant: rules, fleet: fleetRules, prices: prices, now: now)
      if case .refused(let refusal, _) = admission, refusal.axis != nil {
        _ = try ledger.openBudgetAsk(refusal, rules: refusal.scope == .fleet ? fleetRules : rules, now: now)
      }
      return admission
    }
    // A conflict is an answer too: what is wrong is the run.
    if case .failure(let error) = result, error.code != .conflict { ledgerFailed(error) } else { ledgerAnswered() }
    return result
  }

  /// The answer at a beat's door.
  func admitDecide(_ request: RunRequest, for name: String) async -> JSON {
    guard let tenant = tenants[name] else { return Self.refusal("the tenant is gone", retryAt: nil) }
    tenants[name]?.mayHoldDecides = true
    switch await reserve(request, of: tenant) {
    case .failure(let error): return Self.refusal(ledgerTrouble ?? error.description, retryAt: nil)
    case .success(let admission):
      switch admission {
      case .granted(_, _, let budget):
        tenants[name]?.budget = budget
        tenants[name]?.state.held = nil
      case .refused(let refusal, let budget):
        tenants[name]?.budget = budget
        await refreshBudgetAsks()
        hold(name, because: refusal)
      }
      return admission.json
    }
  }

  /// No new decide and no new worker, and why.
  func hold(_ name: String, because refusal: AdmissionRefusal) {
    guard let held = tenants[name]?.state.held, held == refusal else {
      tenants[name]?.state.held = refusal
      say("held: \(refusal.reason)", about: name, level: .warning)
      return changed(.tenants, about: name)
    }
  }

  // MARK: - What a decide took

  /// What the beat says that its run used. The tenant's word: a reservation of another tenant is not found by it.
  func settleAtDoor(_ line: JSON, of name: String) async {
    dropDecide(name)
    guard let tenant = tenants[name], let id = line["reservation"]?.string.flatMap(ReservationID.init),
      let open = await openReservations(of: tenant)?.first(where: { $0.id == id })
    else { return }
    await settleDecide(open, of: tenant, usage: line["usage"].flatMap(RunUsage.init(json:)))
    await refreshBudget(name)
  }

  private func settleDecide(_ open: OpenReservation, of tenant: SupervisedTenant, usage: RunUsage?) async {
    let (now, prices, id) = (ClockReading.now(clock), prices, tenant.id)
    let settlement = Settlement.of(
      usage, run: open.request, hold: open.left, prices: prices, on: tenant.configuration.zone.date(at: now.wall))
    let parked = usage?.rateLimitedUntil.flatMap {
      ParkedAccount(
        tenant: id, runner: open.request.runner, resetsAt: $0, now: now.wall, zone: tenant.configuration.zone)
    }
    let result = await ledger.perform { ledger in
      if let parked { try ledger.park(parked) }
      switch settlement {
      case .charge(let charges, let countsDecide):
        try ledger.settle(open.id, of: id, charges: charges, countsDecide: countsDecide, now: now)
      case .bind: try ledger.bind(open.id, of: id, now: now)
      }
    }
    if let parked { hold(id.name, because: parked.refusal) }
    // A closing that the ledger could not take is kept by it and goes in when it can be used again.
    if case .failure(let error) = result { ledgerFailed(error) }
  }

  /// Nil: the ledger cannot be read.
  private func openReservations(of tenant: SupervisedTenant) async -> [OpenReservation]? {
    guard case .success(let open) = await ledger.perform({ try $0.openReservations() }) else { return nil }
    return open.filter { $0.request.tenant == tenant.id }
  }

  // MARK: - What nobody settled

  /// Closes the holds of a tenant whose beat is over: whatever it did not settle itself, also in an earlier supervisor's time.
  /// A run that still goes on keeps its hold; one that ended is settled with what it left on disk, else charged as an upper bound.
  func closeAbandoned(_ name: String) {
    guard let tenant = tenants[name], tenant.mayHoldDecides else { return }
    // A hold that is taken while the ledger is asked says so itself.
    tenants[name]?.mayHoldDecides = false
    begin { fleet in
      guard let all = await fleet.openReservations(of: tenant) else {
        fleet.tenants[name]?.mayHoldDecides = true
        return
      }
      let open = all.filter { $0.request.kind == .tick }
      guard !open.isEmpty else { return }
      // Those that are not closed below are looked at again.
      fleet.tenants[name]?.mayHoldDecides = true
      for reservation in open {
        let said = await fleet.helper(tenant, ["usage", reservation.request.runID, "--json"])
        switch said {
        case .success(let json) where json["running"]?.bool == true: break
        case .success(let json):
          await fleet.settleDecide(reservation, of: tenant, usage: json["usage"].flatMap(RunUsage.init(json:)))
        case .failure: await fleet.settleDecide(reservation, of: tenant, usage: nil)
        }
      }
      await fleet.refreshBudget(name)
    }
  }

  /// Closes the holds of tenants that are configured no longer, also of an earlier supervisor's time: nobody will say what their
  /// runs used, so each is charged as an upper bound, and keeps nothing of the fleet's budget any more.
  func bindStrangers(sparing names: Set<String>) async {
    let (now, fleetRules) = (ClockReading.now(clock), fleetRules)
    let result = await ledger.perform { ledger in
      _ = try ledger.state(fleetRules, now: now)
      let left = try ledger.openReservations().filter { !names.contains($0.request.tenant.name) }
      for open in left { try ledger.bind(open.id, of: open.request.tenant, now: now) }
      return left
    }
    switch result {
    case .failure(let error): ledgerFailed(error)
    case .success(let left):
      for name in Set(left.map(\.request.tenant.name)).sorted() {
        say("\(name) is configured no longer: what its runs still held was charged", level: .warning)
      }
    }
  }
}
