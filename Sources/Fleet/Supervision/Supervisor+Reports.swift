import SystemPackage
import Tenant

/// Money and worktrees in detail: answers that take a look at the ledger or at the tenants' repositories.
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
    return SpendingReport(tenants: entries)
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

  package func sandboxes() async -> [SandboxRow] {
    var rows: [SandboxRow] = []
    for tenant in tenants.values.sorted(by: { $0.id < $1.id }) {
      guard case .success(let json) = await sandboxVerb("inspect", inspection(tenant), of: tenant) else { continue }
      let mine = (json["sandboxes"]?.array ?? []).compactMap { Self.sandbox($0, tenant.id.name) }
      tenants[tenant.id.name]?.sandboxes = mine
      rows += mine
    }
    return rows
  }

  func inspection(_ tenant: SupervisedTenant) -> JSON {
    var request = sandboxRequest(tenant)
    request["repos"] = .object(tenant.configuration.repositories.mapValues { .string($0.string) })
    request["live"] = .array(tenant.liveWorkers.map { .string($0.record.id) })
    return request
  }

  private static func sandbox(_ json: JSON, _ tenant: String) -> SandboxRow? {
    guard let path = json["path"]?.string else { return nil }
    return SandboxRow(
      tenant: tenant, worker: json["worker"]?.string, repo: json["repo"]?.string ?? "", path: path,
      branch: json["branch"]?.string, state: json["state"]?.string ?? "kept", reason: json["reason"]?.string,
      bytes: json["bytes"]?.int, createdAt: json["created_at"]?.int)
  }

  package func prune(dryRun: Bool, by caller: Caller) async throws(FleetRefusal) -> [PruneRow] {
    var rows: [PruneRow] = []
    for tenant in tenants.values.sorted(by: { $0.id < $1.id }) {
      var request = inspection(tenant)
      request["dry_run"] = .bool(dryRun)
      switch await sandboxVerb("prune", request, of: tenant) {
      case .success(let json):
        rows += (json["sandboxes"]?.array ?? []).map { row in
          PruneRow(
            tenant: tenant.id.name, worker: row["worker"]?.string, path: row["path"]?.string ?? "",
            outcome: row["outcome"]?.string ?? "kept", reason: row["reason"]?.string ?? "")
        }
      case .failure(let failure):
        rows.append(
          PruneRow(tenant: tenant.id.name, worker: nil, path: "", outcome: "failed", reason: failure.description))
      }
    }
    if !dryRun { say("worktrees pruned by \(caller.user)") }
    return rows
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
