import Logging
import Tenant

/// What ended workers cost: their transcripts are read a last time, ``WorkerSettlement`` decides, and the ledger closes their holds.
extension Supervisor {
  /// Settles the hold of every worker that the last report says has ended, also in an earlier supervisor's time.
  func settleEndedWorkers(_ name: String) {
    guard let tenant = tenants[name], let report = tenant.report, !tenant.state.frozen else { return }
    guard tenant.holds.isLoaded else {
      begin(.short) { await $0.loadHolds(name) }
      return
    }
    if tenant.holds.spent == nil, !report.workers.isEmpty { begin(.short) { await $0.refreshSpending(name) } }
    for (generation, reservation) in tenant.holds.open {
      let worker = report.workers.first { $0.record.generation == generation }
      switch worker?.record.phase {
      case .pending?, .starting?, .running?: continue
      case .exited?, .failed?, nil: break
      }
      let id = reservation.request.worker ?? ""
      // One that lives and whose record is gone has not ended: the record may come back, and until then it goes on spending.
      if worker == nil, tenant.unrecorded.ids.contains(id) { continue }
      guard !tenant.starting.contains(id), !tenant.holds.settling.contains(generation)
      else { continue }
      tenants[name]?.holds.settling.insert(generation)
      begin { fleet in
        await fleet.settleWorker(reservation, worker, of: tenant)
        fleet.tenants[name]?.holds.settling.remove(generation)
        await fleet.refreshSpending(name)
        await fleet.refreshBudget(name)
        fleet.changed(.workers)
      }
    }
  }

  private func settleWorker(
    _ reservation: OpenReservation, _ worker: TenantReport.Worker?, of tenant: SupervisedTenant
  ) async {
    let settlement = await settlement(of: reservation, worker, tenant)
    if case .failure(let error) = await carryOut(settlement, reservation, of: tenant) {
      return await ledgerRefused(error, tenant.id.name)
    }
    if let words = settlement.words(worker: reservation.request.worker ?? reservation.request.runID) {
      say(words, about: tenant.id.name, level: .warning)
    }
    if case .later = settlement { return }
    tenants[tenant.id.name]?.holds.open[reservation.request.runID] = nil
  }

  private func carryOut(
    _ settlement: WorkerSettlement, _ reservation: OpenReservation, of tenant: SupervisedTenant
  ) async -> Result<Void, LedgerError> {
    let (id, owner, now) = (reservation.id, tenant.id, ClockReading.now(clock))
    let (rules, fleetRules) = (rules(of: tenant), fleetRules)
    return await ledger.perform { ledger in
      // The day in force is that of the last reading.
      _ = try ledger.states([rules, fleetRules], now: now)
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

extension WorkerSettlement {
  /// What is worth telling; nil for what goes without saying.
  fileprivate func words(worker: String) -> String? {
    switch self {
    case .release, .charge: nil
    case .later(let why): "worker \(worker) is not settled yet: \(why)"
    case .bind: "worker \(worker) left no record of what it used: charged as its upper bound"
    case .chargeAndBind:
      "worker \(worker) ended in the middle of a call, or left only part of its record: the rest of its hold is charged"
    }
  }
}
