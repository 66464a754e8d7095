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
    let result = await reserve(request, of: tenant)
    if case .success(.refused(let refusal, _)) = result {
      if tenants[name]?.holds.waiting?.reason != refusal.reason {
        say("worker \(record.id) waits: \(refusal.reason)", about: name, level: .warning)
      }
      tenants[name]?.holds.waiting = refusal
      await refreshBudgetAsks()
      changed(.workers)
    }
    return grant(result, request, of: name)
  }

  private func grant(
    _ result: Result<Admission, LedgerError>, _ request: RunRequest, of name: String
  ) -> WorkerGrant {
    switch result {
    case .success(.granted(let id, let held, let budget)):
      tenants[name]?.budget = budget
      tenants[name]?.holds.open[request.runID] = OpenReservation(
        id: id, request: request, openedAt: clock.now, day: budget.day.date, left: held)
      return .granted(id)
    case .success(.refused(_, let budget)):
      tenants[name]?.budget = budget
      return .waits
    case .failure(let error) where error.code == .conflict:
      return .impossible("this wish was settled before: start the worker again")
    case .failure: return .waits
    }
  }

  /// A worker that did not come to life costs nothing.
  func releaseWorker(_ id: ReservationID, _ generation: String, of name: String) async {
    guard let tenant = tenants[name] else { return }
    let (now, owner) = (ClockReading.now(clock), tenant.id)
    if case .failure(let error) = await ledger.perform({ try $0.release(id, of: owner, now: now) }) {
      return await ledgerRefused(error, name)
    }
    tenants[name]?.holds.open[generation] = nil
    await refreshBudget(name)
  }

  func loadHolds(_ name: String) async {
    guard let open = await openHolds() else { return }
    tenants[name]?.know(open[name] ?? [])
    settleEndedWorkers(name)
  }

  /// A hold that the ledger does not know: a copy from before lies in its place. What it holds is read anew, and who lives without
  /// a hold is adopted with the next metering. Any other trouble is the whole ledger's.
  func ledgerRefused(_ error: LedgerError, _ name: String) async {
    guard error.code == .conflict else { return ledgerFailed(error) }
    say("\(error.reason): its holds are read anew", about: name, level: .warning)
    guard let open = await openHolds() else { return }
    tenants[name]?.holds.open = [:]
    tenants[name]?.know(open[name] ?? [])
  }

  /// What the ledger holds, by tenant; nil where it cannot be read.
  func openHolds() async -> [String: [OpenReservation]]? {
    guard case .success(let all) = await ledger.perform({ try $0.openReservations() }) else { return nil }
    return Dictionary(grouping: all, by: \.request.tenant.name)
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
      let (rules, fleetRules, now) = (rules(of: tenant), fleetRules, ClockReading.now(clock))
      let result = await ledger.perform { try $0.adopt(request, tenant: rules, fleet: fleetRules, now: now) }
      if case .failure(let error) = result, error.code != .conflict { ledgerFailed(error) }
      if case .impossible = grant(result, request, of: name) { tenants[name]?.holds.refused.insert(record.generation) }
    }
  }

  func refreshSpending(_ name: String) async {
    guard let id = tenants[name]?.id else { return }
    guard case .success(let spent) = await ledger.perform({ try $0.workerSpending(of: id) }) else { return }
    tenants[name]?.holds.spent = spent.mapValues(\.micros)
  }
}
