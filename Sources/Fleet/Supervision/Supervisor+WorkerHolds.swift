import Logging
import Tenant

/// Holds of workers: one is taken before a worker starts, given back where it did not come to life, and read from the ledger again
/// after a restart.
extension Supervisor {
  func reserveWorker(_ record: WorkerRecord, of name: String) async -> WorkerGrant {
    guard let tenant = tenants[name] else { return .waits }
    let runner: WorkerRunner
    switch await helper(tenant, ["usage", "--worker", record.id, "--json"]) {
    case .failure(let failure): return .impossible(failure.words)
    case .success(let json):
      guard let known = WorkerRunner(json: json) else { return .impossible("it cannot be told what it would run") }
      runner = known
    }
    let request = RunRequest(
      tenant: tenant.id, kind: .worker, runID: record.generation, runner: runner.runner,
      model: runner.model.map { String($0.prefix(200)) }, goal: record.goal, worker: record.id,
      promptBytes: runner.promptBytes)
    return await reserveWorker(request, worstCase: nil, of: tenant)
  }

  private func reserveWorker(
    _ request: RunRequest, worstCase: BudgetAmounts?, of tenant: SupervisedTenant
  ) async -> WorkerGrant {
    let (rules, fleetRules, prices, now) = (rules(of: tenant), fleetRules, prices, ClockReading.now(clock))
    let result = await ledger.perform { ledger in
      let admission = try ledger.reserve(
        request, worstCase: worstCase, tenant: rules, fleet: fleetRules, prices: prices, now: now)
      if case .refused(let refusal, _) = admission, refusal.axis != nil, refusal.scope != .fleet {
        _ = try ledger.openBudgetAsk(refusal, of: request.tenant, rules: rules, now: now)
      }
      return admission
    }
    let name = tenant.id.name
    switch result {
    case .success(.granted(let id, let held, let budget)):
      ledgerAnswered()
      tenants[name]?.budget = budget
      tenants[name]?.holds.open[request.runID] = OpenReservation(
        id: id, request: request, openedAt: now.wall, day: budget.day.date, left: held)
      return .granted(id)
    case .success(.refused(let refusal, let budget)):
      ledgerAnswered()
      tenants[name]?.budget = budget
      if tenants[name]?.holds.waiting?.reason != refusal.reason {
        say("worker \(request.worker ?? request.runID) waits: \(refusal.reason)", about: name, level: .warning)
      }
      tenants[name]?.holds.waiting = refusal
      await refreshBudgetAsks()
      changed(.workers)
      return .waits
    case .failure(let error) where error.code == .conflict:
      return .impossible("this wish was settled before: start the worker again")
    case .failure(let error):
      ledgerFailed(error)
      return .waits
    }
  }

  /// A worker that did not come to life costs nothing.
  func releaseWorker(_ id: ReservationID, _ generation: String, of name: String) async {
    guard let tenant = tenants[name] else { return }
    let (now, owner) = (ClockReading.now(clock), tenant.id)
    if case .failure(let error) = await ledger.perform({ try $0.release(id, of: owner, now: now) }) {
      return ledgerFailed(error)
    }
    tenants[name]?.holds.open[generation] = nil
    await refreshBudget(name)
  }

  func loadHolds(_ name: String) async {
    guard let id = tenants[name]?.id else { return }
    guard case .success(let all) = await ledger.perform({ try $0.openReservations() }) else { return }
    let mine = all.filter { $0.request.tenant == id && $0.request.kind == .worker }
    let known = Dictionary(mine.map { ($0.request.runID, $0) }, uniquingKeysWith: { first, _ in first })
    tenants[name]?.holds.open.merge(known) { here, _ in here }
    tenants[name]?.holds.isLoaded = true
    await refreshSpending(name)
    settleWorkers(name)
  }

  /// Workers that live without a hold were not started here: they are metered from now on, with nothing held.
  func adoptUnpaid(_ name: String) async {
    guard let tenant = tenants[name], tenant.holds.isLoaded else { return }
    for worker in tenant.liveWorkers {
      let record = worker.record
      guard !record.generation.isEmpty, tenant.holds.open[record.generation] == nil,
        !tenant.holds.refused.contains(record.generation), !tenant.starting.contains(record.id)
      else { continue }
      let request = RunRequest(
        tenant: tenant.id, kind: .worker, runID: record.generation, runner: "command", goal: record.goal,
        worker: record.id)
      if case .impossible = await reserveWorker(request, worstCase: .zero, of: tenant) {
        tenants[name]?.holds.refused.insert(record.generation)
      }
    }
  }

  func refreshSpending(_ name: String) async {
    guard let id = tenants[name]?.id else { return }
    guard case .success(let spent) = await ledger.perform({ try $0.workerSpending(of: id) }) else { return }
    tenants[name]?.holds.spent = spent.mapValues(\.micros)
  }
}
