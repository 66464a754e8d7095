import Tenant

/// Money in detail: answers that take a look at the ledger.
extension Supervisor {
  package func budget(tenant name: String?, days: Int) async throws(FleetRefusal) -> SpendingReport {
    let chosen =
      try name.map { name throws(FleetRefusal) in [try known(name)] } ?? tenants.values.sorted { $0.id < $1.id }
    await refreshBudgets()
    var entries: [SpendingReport.Entry] = []
    for tenant in chosen {
      guard let current = tenants[tenant.id.name] else { continue }
      entries.append(try await entry(current, days: max(1, days)))
    }
    guard name == nil, let budget = fleetBudget, fleetRules.caps != .none else {
      return SpendingReport(tenants: entries)
    }
    let (rules, now) = (fleetRules, ClockReading.now(clock))
    // A forecast is a hint: without the ledger the figures above could not be had either.
    let forecast = try? await ledger.perform { try $0.forecast(rules, state: budget, now: now).values.min() }.get()
    return SpendingReport(
      tenants: entries, fleet: TenantBudget(budget),
      fleetForecast: forecast.flatMap { $0 }.map { BudgetForecast.words(spentBy: $0, zone: rules.zone) })
  }

  private func entry(_ tenant: SupervisedTenant, days: Int) async throws(FleetRefusal) -> SpendingReport.Entry {
    let (rules, now, id) = (rules(of: tenant), ClockReading.now(clock), tenant.id)
    let result = await ledger.perform { ledger in
      let state = try ledger.state(rules, now: now)
      let first = CivilDate(ordinal: state.day.date.ordinal - Int64(days) + 1)
      return (
        state, try ledger.rows(from: first, through: state.day.date, tenant: id),
        try ledger.forecast(rules, state: state, now: now)
      )
    }
    switch result {
    case .failure(let error): throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    case .success(let (state, rows, forecast)):
      let soonest = forecast.values.min()
      return SpendingReport.Entry(
        name: id.name, today: TenantBudget(state),
        forecast: soonest.map { BudgetForecast.words(spentBy: $0, zone: tenant.configuration.zone) },
        rows: rows)
    }
  }

  package func audit(tenant name: String?, limit: Int) async throws(FleetRefusal) -> [AuditRow] {
    // Also of a tenant that is configured no longer: the log outlives it.
    let scope = name.flatMap(TenantID.init).map(BudgetScope.tenant)
    guard name == nil || scope != nil else { throw FleetRefusal.unknownTenant(name ?? "") }
    switch await ledger.perform({ try $0.auditLog(of: scope, limit: limit) }) {
    case .failure(let error): throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    case .success(let entries): return entries.reversed().map(AuditRow.init)
    }
  }

  package func samples() async -> [MetricSample] {
    [
      MetricSample(
        "beats_waiting", help: "Beats that wait for a place.", kind: .gauge,
        value: Double(beatGate.waitingCount + slowGate.waitingCount)),
      MetricSample(
        "decides_waiting", help: "Decides that wait for a place.", kind: .gauge, value: Double(decideGate.waitingCount)),
      MetricSample(
        "asks_undelivered", help: "Asks that a configured hook or webhook has not taken yet.", kind: .gauge,
        value: Double(delivery.report.undelivered)),
    ]
  }
}
