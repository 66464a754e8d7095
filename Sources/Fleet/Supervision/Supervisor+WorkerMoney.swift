import Logging
import Tenant

/// What workers cost: a hold before they start, their transcripts read while they live, and a settlement at their end. The
/// transcripts are the tenant's word and are read as the tenant; what cannot be known is charged as the hold.
extension Supervisor {
  // MARK: - Before the start

  func reserveWorker(_ record: WorkerRecord, of name: String) async -> WorkerGrant {
    guard let tenant = tenants[name] else { return .waits }
    let runner: WorkerRunner
    switch await helper(tenant, ["usage", "--worker", record.id, "--json"]) {
    case .failure(let failure): return .impossible(failure.description)
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
      return .impossible("its wish was paid for before: wish for it anew")
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

  // MARK: - At the end

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

  private func loadHolds(_ name: String) async {
    guard let id = tenants[name]?.id else { return }
    guard case .success(let all) = await ledger.perform({ try $0.openReservations() }) else { return }
    let mine = all.filter { $0.request.tenant == id && $0.request.kind == .worker }
    let known = Dictionary(mine.map { ($0.request.runID, $0) }, uniquingKeysWith: { first, _ in first })
    tenants[name]?.holds.open.merge(known) { here, _ in here }
    tenants[name]?.holds.isLoaded = true
    await refreshSpending(name)
    settleWorkers(name)
  }

  private enum WorkerEnd {
    case release
    case charge([Charge], isAll: Bool)
    case bind
    /// Nobody can say yet: the hold stands.
    case later(String)
  }

  private func settle(
    _ reservation: OpenReservation, _ worker: TenantReport.Worker?, of tenant: SupervisedTenant
  ) async {
    let end = await end(of: reservation, worker, tenant)
    let (id, owner, now) = (reservation.id, tenant.id, ClockReading.now(clock))
    let (rules, fleetRules) = (rules(of: tenant), fleetRules)
    let result = await ledger.perform { ledger in
      switch end {
      case .release: try ledger.release(id, of: owner, now: now)
      case .charge(let charges, isAll: true): try ledger.settle(id, of: owner, charges: charges, now: now)
      case .charge(let charges, isAll: false):
        try ledger.meter(id, of: owner, charges: charges, tenant: rules, fleet: fleetRules, now: now)
        try ledger.bind(id, of: owner, now: now)
      case .bind: try ledger.bind(id, of: owner, now: now)
      case .later: break
      }
    }
    let who = reservation.request.worker ?? reservation.request.runID
    switch (result, end) {
    case (.failure(let error), _): ledgerFailed(error)
    case (.success, .later(let why)):
      say("worker \(who) is not settled yet: \(why)", about: owner.name, level: .warning)
    case (.success, .bind):
      tenants[owner.name]?.holds.open[reservation.request.runID] = nil
      let what = "worker \(who) left no record of what it used: charged as its upper bound"
      say(what, about: owner.name, level: .warning)
    case (.success, _): tenants[owner.name]?.holds.open[reservation.request.runID] = nil
    }
  }

  private func end(
    of reservation: OpenReservation, _ worker: TenantReport.Worker?, _ tenant: SupervisedTenant
  ) async -> WorkerEnd {
    guard let worker else { return .bind }
    guard worker.record.process != nil else { return .release }
    let finding: TranscriptFinder.Finding
    switch await transcripts(of: worker.record, tenant) {
    case .success(let found): finding = found
    case .failure(let failure):
      // Its day is over at the latest with the next one.
      return clock.now - reservation.openedAt > 86_400 ? .bind : .later(failure.description)
    }
    let charges = charges(finding, of: tenant)
    let request = reservation.request
    if request.isFree { return .charge(charges, isAll: true) }
    let isUnread = finding.unread.contains(request.runner) || request.runner == "command" && !finding.unread.isEmpty
    if !charges.isEmpty { return .charge(charges, isAll: !isUnread) }
    // The shell found no such program: no model was ever called.
    if worker.exitCode == 126 || worker.exitCode == 127, !isUnread { return .release }
    return .bind
  }

  // MARK: - While they live

  /// Meters until the supervisor stops; ends with it.
  func keepMetering() async {
    while !stopping {
      // Cancelled means that the supervisor stops.
      guard (try? await Task.sleep(for: fleet.meterEvery)) != nil else { return }
      await refreshBudgets()
      for name in tenants.keys.sorted() where !draining {
        guard let tenant = tenants[name], tenant.state.lease == .held, !tenant.state.frozen,
          !tenant.liveWorkers.isEmpty,
          !tenant.holds.isMetering
        else { continue }
        tenants[name]?.holds.isMetering = true
        begin { fleet in
          await fleet.meterWorkers(name)
          fleet.tenants[name]?.holds.isMetering = false
        }
      }
      admitWorkers()
      if let due = delivery.report.nextDue, due <= clock.now { deliverAsks() }
    }
  }

  private func meterWorkers(_ name: String) async {
    await adoptUnpaid(name)
    guard let all = tenants[name]?.holds.nextPass(), let tenant = tenants[name] else { return }
    var metered: [(id: ReservationID, charges: [Charge])] = []
    for worker in tenant.liveWorkers {
      guard let hold = tenant.holds.open[worker.record.generation], all || isPaid(hold, tenant) else { continue }
      // A helper that fails now is asked again in a while; its worker's hold stands meanwhile.
      guard case .success(let finding) = await transcripts(of: worker.record, tenant) else { continue }
      metered.append((hold.id, charges(finding, of: tenant)))
    }
    let (rules, fleetRules, owner, now) = (rules(of: tenant), fleetRules, tenant.id, ClockReading.now(clock))
    let readings = metered
    let result = await ledger.perform { ledger in
      for reading in readings where !reading.charges.isEmpty {
        try ledger.meter(
          reading.id, of: owner, charges: reading.charges, tenant: rules, fleet: fleetRules, now: now)
      }
      return try [rules, fleetRules].map { rules in
        let state = try ledger.state(rules, now: now)
        return MoneyLeft(rules: rules, state: state, since: try ledger.breachedSince(rules, state: state, now: now))
      }
    }
    switch result {
    case .failure(let error): ledgerFailed(error)
    case .success(let left):
      ledgerAnswered()
      await refreshSpending(name)
      await refreshBudget(name)
      for money in left { await judge(money, name, now: now) }
    }
  }

  private struct MoneyLeft: Sendable {
    let rules: BudgetRules
    let state: BudgetState
    /// Since when a cap is spent.
    let since: Int64?
  }

  private func isPaid(_ hold: OpenReservation, _ tenant: SupervisedTenant) -> Bool {
    !hold.request.isFree || tenant.holds.spent[hold.request.worker ?? "", default: 0] > 0
  }

  /// Workers that live without a hold were not started here: they are metered from now on, with nothing held.
  private func adoptUnpaid(_ name: String) async {
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

  // MARK: - What becomes of them

  private func judge(_ money: MoneyLeft, _ name: String, now: ClockReading) async {
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
      await hold(name, money, whose + words)
      await tell(paid, "finish", whose + words, money, tenant)
    case .stop(let words):
      await hold(name, money, whose + words)
      for worker in paid { await stop(worker.record, of: tenant, because: whose + words) }
    }
  }

  /// No new decide and no new worker, and one ask.
  private func hold(_ name: String, _ money: MoneyLeft, _ words: String) async {
    guard let tenant = tenants[name] else { return }
    if case .tenant = money.rules.scope, let axis = WorkerMoney.spentAxis(money.state) {
      let refusal = AdmissionRefusal(
        scope: money.rules.scope, axis: axis,
        reason: "today's budget of \(axis.words(money.state[axis].cap ?? 0)) is spent",
        retryAt: money.state.day.resetsAt)
      let (rules, now) = (money.rules, ClockReading.now(clock))
      let result = await ledger.perform { try $0.openBudgetAsk(refusal, of: tenant.id, rules: rules, now: now) }
      if case .failure(let error) = result { ledgerFailed(error) }
      await refreshBudgetAsks()
    }
    guard tenants[name]?.state.held == nil else { return }
    say("held: \(words)", about: name, level: .warning)
    tenants[name]?.state.held = words
    changed(.tenants, about: name)
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
  private func stop(_ record: WorkerRecord, of tenant: SupervisedTenant, because words: String) async {
    let name = tenant.id.name
    say("worker \(record.id) is stopped: \(words)", about: name, level: .warning)
    _ = await helper(
      tenant, ["worker", "kill", record.id, "--reason", words], deadline: 30, expectsDocument: false)
    if let confined = try? confined(tenant) {
      noteMemoryKills(record, of: name)
      let outcome = await confinement.stop(worker: record.id, of: confined, leader: record.process)
      if !outcome.isGone { say("worker \(record.id) has not ended: \(outcome)", about: name, level: .error) }
    }
    soil(name)
    reconcile(name, .touched)
  }

  // MARK: - Readings

  private func transcripts(
    of record: WorkerRecord, _ tenant: SupervisedTenant
  ) async -> Result<TranscriptFinder.Finding, HelperRun.Failure> {
    await helper(tenant, ["usage", "--worker", record.id, "--json"]).flatMap { json in
      guard let finding = TranscriptFinder.Finding(json: json) else {
        return .failure(HelperRun.Failure(description: "its usage has not the known shape"))
      }
      return .success(finding)
    }
  }

  private func charges(_ finding: TranscriptFinder.Finding, of tenant: SupervisedTenant) -> [Charge] {
    TranscriptCharges.of(
      finding.transcripts, prices: prices, on: tenant.configuration.zone.date(at: clock.now))
  }

  private func refreshSpending(_ name: String) async {
    guard let id = tenants[name]?.id else { return }
    guard case .success(let spent) = await ledger.perform({ try $0.workerSpending(of: id) }) else { return }
    tenants[name]?.holds.spent = spent.mapValues(\.micros)
  }
}
