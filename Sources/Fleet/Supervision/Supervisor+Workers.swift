import Logging
import Tenant

/// Workers: wishes that wait for a place, and their start.
extension Supervisor {
  /// Starts every wish that may start now. Decided anew from all wishes and all that live: there is no queue to lose.
  func admitWorkers() {
    // Every report comes by here: most tell of no wish.
    guard !stopping, !draining, !wishful.isEmpty else { return }
    for wish in workerPlan().start {
      guard let tenant = tenants[wish.tenant.name],
        let worker = tenant.pendingWorkers.first(where: { $0.record.id == wish.worker })
      else { continue }
      startWorker(worker.record, of: wish.tenant.name)
    }
  }

  /// Who starts and who waits, with places and reasons; `status` and `workers` read the same answer.
  func workerPlan() -> WorkerQueue.Plan {
    var shares: [TenantID: WorkerShare] = [:]
    var wishes: [WorkerRequest] = []
    for tenant in tenants.values {
      shares[tenant.id] = WorkerShare(
        quota: tenant.configuration.workers.maximum, weight: tenant.configuration.weight, live: placesTaken(by: tenant),
        hold: workerHold(tenant))
      wishes += tenant.pendingWorkers.map {
        WorkerRequest(tenant: tenant.id, worker: $0.record.id, requestedAt: $0.record.requestedAt)
      }
    }
    return WorkerQueue(fleetMaximum: fleet.maximumWorkers).plan(wishes: wishes, shares: shares)
  }

  private func workerHold(_ tenant: SupervisedTenant) -> String? {
    if tenant.state.frozen { return "the tenant is frozen" }
    if tenant.state.paused { return "the tenant is paused" }
    if let trouble = ledgerTrouble ?? tenant.state.full { return trouble }
    // A parked account stops its own runner only: the ledger knows which.
    if let held = tenant.state.held, held.axis != nil { return held.reason }
    if let waiting = tenant.holds.waiting { return waiting.reason }
    if tenant.state.lease != .held { return "the tenant is not taken over yet" }
    return nil
  }

  private func startWorker(_ record: WorkerRecord, of name: String) {
    guard let tenant = tenants[name], tenant.ending[record.id] == nil else { return }
    clearGroup(of: record.id, of: name)
    tenants[name]?.starting.insert(record.id)
    changed(.workers)
    begin { fleet in
      switch await fleet.reserveWorker(record, of: name) {
      case .waits:
        // Its wish stays as it is, and counts among the pending again.
        fleet.tenants[name]?.starting.remove(record.id)
        fleet.changed(.workers)
      case .impossible(let why):
        await fleet.refuse(record, of: tenant, why)
        fleet.launched(record.id, of: name, why)
      case .granted(let reservation):
        let failure = await fleet.launch(record, of: tenant)
        if let failure {
          await fleet.refuse(record, of: tenant, failure.words)
          // One that hung or was killed may have begun: its hold stands until a report tells.
          if failure.code.map({ $0 < 124 }) ?? true {
            await fleet.releaseWorker(reservation, record.generation, of: name)
          }
        }
        fleet.launched(record.id, of: name, failure?.description)
      }
    }
  }

  /// `nil` when it runs. The wish's record is on disk all the while: a crash here is a wish that is still pending.
  private func launch(_ record: WorkerRecord, of tenant: SupervisedTenant) async -> HelperRun.Failure? {
    var arguments = ["worker", "launch", record.id, "--json"]
    do {
      let within = try confinement.within(worker: try confined(tenant))
      if !within.isEmpty { arguments += ["--within", JSON.array(within.map(JSON.string)).compact] }
    } catch {
      let hint = (error as? ConfinementProblem)?.hint.map { " (\($0))" } ?? ""
      return HelperRun.Failure(description: "\(error)\(hint)", code: 1)
    }
    if let repo = record.repo {
      switch await openSandbox(of: repo, for: record, tenant) {
      case .success(let sandbox):
        arguments += ["--sandbox", sandbox.path] + (sandbox.branch.map { ["--branch", $0] } ?? [])
        for (name, value) in sandbox.environment.sorted(by: { $0.key < $1.key }) {
          arguments += ["--env", "\(name)=\(value)"]
        }
      case .failure(let refusal):
        return HelperRun.Failure(description: refusal.words, code: refusal.exitCode)
      }
    }
    switch await helper(tenant, arguments, work: .worker(record.id), deadline: 60) {
    case .success: return nil
    case .failure(let failure): return failure
    }
  }

  private func refuse(_ record: WorkerRecord, of tenant: SupervisedTenant, _ why: String) async {
    _ = await helper(tenant, ["worker", "refuse", record.id, "--reason", why, "--json"])
  }

  private func launched(_ id: String, of name: String, _ failure: String?) {
    say(
      failure.map { "worker \(id) did not start: \($0)" } ?? "worker \(id) started", about: name,
      level: failure == nil ? .info : .warning)
    soil(name)
    guard let tenant = tenants[name] else { return }
    begin { fleet in
      // The place counts as taken until a report says what became of it.
      let result = await fleet.helper(tenant, ["report", "--json"])
      fleet.tenants[name]?.starting.remove(id)
      fleet.tenants[name]?.sandboxes.opening[id] = nil
      if case .success(let json) = result, let report = TenantReport(json: json) { fleet.take(report, of: name) }
      // Its sandbox is to be measured; or, where it did not start, to go.
      fleet.scheduleTending(name, in: failure == nil ? SandboxKeeping.measureAfter : 1)
      fleet.changed(.workers)
      fleet.reconcile(name, .touched)
    }
  }
}
