import Logging
import Tenant

/// What ended workers cost: their transcripts are read a last time, ``WorkerSettlement`` decides, and the ledger closes their holds.
extension Supervisor {
  /// Settles the hold of every worker that the last report says has ended, also in an earlier supervisor's time.
  func settleWorkers(_ name: String) {
    guard let tenant = tenants[name], let report = tenant.report, !tenant.state.frozen else { return }
    guard tenant.holds.isLoaded else {
      begin(.short) { await $0.loadHolds(name) }
      return
    }
    for (generation, reservation) in tenant.holds.open {
      let worker = report.workers.first { $0.record.generation == generation }
      switch worker?.record.phase {
      case .pending?, .starting?, .running?: continue
      case .exited?, .failed?, nil: break
      }
      guard !tenant.starting.contains(reservation.request.worker ?? ""), !tenant.holds.settling.contains(generation)
      else { continue }
      tenants[name]?.holds.settling.insert(generation)
      begin { fleet in
        await fleet.settle(reservation, worker, of: tenant)
        fleet.tenants[name]?.holds.settling.remove(generation)
        await fleet.refreshSpending(name)
        await fleet.refreshBudget(name)
        fleet.changed(.workers)
      }
    }
  }

  private func settle(
    _ reservation: OpenReservation, _ worker: TenantReport.Worker?, of tenant: SupervisedTenant
  ) async {
    let settlement = await settlement(of: reservation, worker, tenant)
    let (id, owner, now) = (reservation.id, tenant.id, ClockReading.now(clock))
    let (rules, fleetRules) = (rules(of: tenant), fleetRules)
    let result = await ledger.perform { ledger in
      switch settlement {
      case .release: try ledger.release(id, of: owner, now: now)
      case .charge(let charges): try ledger.settle(id, of: owner, charges: charges, now: now)
      case .chargeAndBind(let charges):
        try ledger.meter(id, of: owner, charges: charges, tenant: rules, fleet: fleetRules, now: now)
        try ledger.bind(id, of: owner, now: now)
      case .bind: try ledger.bind(id, of: owner, now: now)
      case .later: break
      }
    }
    let who = reservation.request.worker ?? reservation.request.runID
    if case .failure(let error) = result { return ledgerFailed(error) }
    switch settlement {
    case .later(let why): return say("worker \(who) is not settled yet: \(why)", about: owner.name, level: .warning)
    case .bind:
      let what = "worker \(who) left no record of what it used: charged as its upper bound"
      say(what, about: owner.name, level: .warning)
    case .chargeAndBind:
      let what =
        "worker \(who) ended in the middle of a call, or left only part of its record: the rest of its hold is charged"
      say(what, about: owner.name, level: .warning)
    case .release, .charge: break
    }
    tenants[owner.name]?.holds.open[reservation.request.runID] = nil
  }

  private func settlement(
    of reservation: OpenReservation, _ worker: TenantReport.Worker?, _ tenant: SupervisedTenant
  ) async -> WorkerSettlement {
    var reading = WorkerSettlement.Reading.found(TranscriptFinder.Finding(transcripts: [], unread: []))
    if let worker, worker.record.process != nil {
      switch await transcripts(of: worker.record, tenant) {
      case .success(let finding): reading = .found(finding)
      case .failure(let failure): reading = .failed(failure.description)
      }
    }
    return WorkerSettlement.of(
      worker.map { .init(began: $0.record.process != nil, exitCode: $0.exitCode.flatMap(Int32.init(exactly:))) },
      reading: reading, run: reservation.request, age: clock.now - reservation.openedAt, prices: prices,
      on: tenant.configuration.zone.date(at: clock.now))
  }
}
