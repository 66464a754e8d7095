import Logging
import Tenant

/// What a day's money means for the workers that live on it, as ``WorkerMoney`` decides: they are told, given time, and stopped. That
/// nothing new starts is seen to as the day is read (`Supervisor+Budgets`).
extension Supervisor {
  struct MoneyLeft: Sendable {
    let rules: BudgetRules
    let state: BudgetState
    /// Since when a cap is spent.
    let since: Int64?
  }

  func judge(_ money: MoneyLeft, _ name: String, now: ClockReading) async {
    guard let tenant = tenants[name] else { return }
    let verdict = WorkerMoney.verdict(
      money.state, zone: money.rules.zone, breachedAt: money.since, grace: fleet.grace, now: now.wall)
    let whose = money.rules.scope == .fleet ? "the whole fleet: " : ""
    let paid = tenant.liveWorkers.filter { worker in
      tenant.holds.open[worker.record.generation].map { isPaid($0, tenant) } ?? false
    }
    switch verdict {
    case .goOn: break
    case .warn(let words): await tell(paid, "warn", whose + words, money, tenant)
    case .finish(_, let words):
      await tell(paid, "finish", whose + words, money, tenant)
    case .stop(let words):
      for worker in paid { await stop(worker.record, of: tenant, because: whose + words) }
    }
  }

  /// Once for each worker and cap, also over restarts.
  private func tell(
    _ workers: [TenantReport.Worker], _ kind: String, _ words: String, _ money: MoneyLeft, _ tenant: SupervisedTenant
  ) async {
    let caps = BudgetAxis.allCases.map { money.state[$0].cap.map(String.init) ?? "-" }.joined(separator: ",")
    let now = clock.now
    for worker in workers {
      let record = worker.record
      let key =
        "breach/told/\(tenant.id)/\(record.generation)/\(kind)/\(money.rules.scope.key)/\(money.state.day.date)/\(caps)"
      guard case .success(nil) = await ledger.perform({ try $0.note(key) }) else { continue }
      let told = await helper(tenant, ["tell", record.id, words], expectsDocument: false)
      // Not told is tried again with the next metering.
      guard case .success = told else { continue }
      say("worker \(record.id) is told: \(words)", about: tenant.id.name)
      if case .failure(let error) = await ledger.perform({ try $0.note(key, String(now)) }) { ledgerFailed(error) }
    }
  }

  /// Stop means stopped; what it did not save is parked as its sandbox is collected.
  func stop(_ record: WorkerRecord, of tenant: SupervisedTenant, because words: String) async {
    let name = tenant.id.name
    say("worker \(record.id) is stopped: \(words)", about: name, level: .warning)
    _ = await helper(
      tenant, ["worker", "kill", record.id, "--reason", words], deadline: 30, expectsDocument: false)
    if let confined = try? confined(tenant) {
      noteMemoryKills(record, of: name)
      let outcome = await confinement.stop(worker: record.id, of: confined, leaders: [record.process].compactMap { $0 })
      if !outcome.isGone { say("worker \(record.id) has not ended: \(outcome)", about: name, level: .error) }
    }
    soil(name)
    reconcile(name, .touched)
  }
}
