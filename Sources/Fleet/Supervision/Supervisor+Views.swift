import Glibc
import SystemPackage
import Tenant

/// What others see: pure readings of the supervisor's memory, with nothing asked of any tenant.
extension Supervisor {
  package func document() async -> FleetDocument {
    let plan = workerPlan()
    let standing = currentStanding()
    let pending = Dictionary(grouping: plan.pending, by: \.wish.tenant.name).mapValues(\.count)
    let rows =
      tenants.values.sorted { $0.id < $1.id }.map { row($0, pending: pending[$0.id.name] ?? 0) } + refusedRows()
    return FleetDocument(
      pid: getpid(), version: Version.current, uptimeSeconds: Int64(clock.monotonic() - startedAt),
      isolation: standing.isolation, beatsInFlight: beatGate.runningCount + slowGate.runningCount,
      decidesInFlight: decideGate.runningCount,
      workers: FleetDocument.WorkerCounts(
        live: tenants.values.reduce(0) { $0 + $1.liveCount }, pending: plan.pending.count, max: fleet.maximumWorkers),
      asksPending: budgetAsks.count + tenants.values.reduce(0) { $0 + ($1.report?.asks.count ?? 0) },
      spentToday: fleetBudget?.usd.spent ?? tenants.values.reduce(0) { $0 + ($1.budget?.usd.spent ?? 0) },
      guards: guards(standing), tenants: rows,
      budget: fleetRules.caps == .none ? nil : fleetBudget.map { TenantBudget($0) },
      budgetNote: fleetBudget?.concern(forecast: fleetMarks.forecast))
  }

  /// How the tenants are held, which is the same for every request until the configuration or the system's users change: looking at
  /// a thousand of them takes longer than all else of an answer.
  struct Standing: Sendable {
    var isolation: FleetDocument.Isolation
    var guards: [GuardState]
    var at: Double
  }

  private func currentStanding() -> Standing {
    let now = clock.monotonic()
    if let standing, now - standing.at < Self.usersAge { return standing }
    let confined = confinedTenants
    let fresh = Standing(isolation: isolation(confined), guards: confinement.guards(confined), at: now)
    standing = fresh
    return fresh
  }

  private func guards(_ standing: Standing) -> [FleetDocument.Guard] {
    var guards = standing.guards.map {
      FleetDocument.Guard(
        name: $0.name, level: FleetDocument.Guard.Level(rawValue: $0.level.rawValue) ?? .absent, detail: $0.detail,
        hint: $0.hint)
    }
    guards.append(
      FleetDocument.Guard(
        name: "budget", enforced: ledgerTrouble == nil,
        detail: ledgerTrouble ?? "every decide and every worker is reserved before it starts",
        hint: ledgerTrouble.flatMap { _ in ledgerHint }))
    if let delivery = deliveryGuard { guards.append(delivery) }
    return guards
  }

  func row(_ tenant: SupervisedTenant, pending: Int) -> TenantRow {
    let (phase, reason) = tenant.state.phase
    let asks = tenant.report?.asks ?? []
    let fleetAsks = budgetAsks.filter { $0.scope == .tenant(tenant.id) }
    let oldest = (asks.map(\.ts) + fleetAsks.map(\.at)).min()
    let due = timetable.due(of: tenant.id.name).map { clock.now + Int64(max(0, $0 - clock.monotonic()).rounded()) }
    return TenantRow(
      name: tenant.id.name, dataDir: tenant.configuration.dataDirectory.string,
      user: (try? user(named: tenant.configuration.user).name) ?? tenant.configuration.user, phase: phase,
      reason: reason ?? tenant.unrecorded.reason ?? activityReason(tenant.state)
        ?? tenant.budget?.concern(forecast: tenant.marks.forecast) ?? sandboxReason(tenant),
      lastBeat: tenant.state.lastBeat.flatMap { beat in
        tenant.state.lastBeatAt.map {
          TenantRow.LastBeat(at: $0, outcome: beat.outcome.rawValue, durationMS: beat.durationMS)
        }
      },
      nextBeatAt: tenant.state.frozen || tenant.state.paused ? nil : due,
      workers: FleetDocument.WorkerCounts(
        live: tenant.liveCount, pending: pending, max: tenant.configuration.workers.maximum),
      budget: tenant.budget.map { TenantBudget($0) }, asksPending: asks.count + fleetAsks.count,
      oldestAskSeconds: oldest.map { max(0, clock.now - $0) }, sandboxes: sandboxCount(tenant),
      diskBytes: tenant.sandboxes.diskBytes, use: tenant.use.use,
      limits: TenantLimits(tenant.configuration.total),
      occupiedBytes: tenant.configuration.total.disk.flatMap { _ in tenant.occupation.bytes })
  }

  /// Why nothing seems to happen: a beat that takes long is the usual answer.
  private func activityReason(_ state: TenantState) -> String? {
    switch state.activity {
    case .beating(let since):
      let seconds = Int(clock.monotonic() - since)
      return seconds >= 10 ? "its beat has been running for \(seconds) s (a sensor or the runner takes long)" : nil
    case .queued: return nil
    case .idle:
      return state.lastBeat?.outcome == .failed || state.lastBeat?.outcome == .idle ? state.lastBeat?.reason : nil
    }
  }

  /// Files of the configuration that no tenant could be made of: they are shown, not lost.
  private func refusedRows() -> [TenantRow] {
    refused.compactMap { problem in
      guard let id = problem.tenant, tenants[id.name] == nil else { return nil }
      let hint = problem.hint.map { " (\($0))" } ?? ""
      return TenantRow(
        name: id.name, dataDir: nil, user: nil, phase: .degraded,
        reason: "its configuration is refused: \(problem)\(hint)")
    }
  }

  /// Worktrees that are there: as the last look found them, and those made since.
  private func sandboxCount(_ tenant: SupervisedTenant) -> Int {
    // With nobody at work nothing was made since.
    guard !tenant.liveWorkers.isEmpty else { return tenant.sandboxes.count }
    let known = Set(tenant.sandboxes.rows.filter(\.isWorktree).compactMap(\.worker))
    let new = tenant.liveWorkers.filter { $0.record.sandbox != nil && !known.contains($0.record.id) }.count
    return tenant.sandboxes.count + new
  }

  private func sandboxReason(_ tenant: SupervisedTenant) -> String? {
    let problems = sandboxProblems(tenant)
    guard let first = problems.first else { return nil }
    return problems.count == 1 ? first : "\(first); and more: looop-fleet tenant show \(tenant.id)"
  }

  private func sandboxProblems(_ tenant: SupervisedTenant) -> [String] {
    var problems = tenant.sandboxes.problems
    if let most = tenant.configuration.sandboxes.disk, let used = tenant.sandboxes.diskBytes, used >= most.bytes {
      problems.append(
        "its sandboxes occupy \(Display.bytes(used)) of the \(most) they may: there is no new one until some go")
    }
    return problems
  }

  package func asks() async -> [MailboxAsk] {
    let own = budgetAsks.map { ask in
      MailboxAsk(
        tenant: ask.scope.mailboxName, askID: ask.id, worker: nil, goal: nil, prompt: ask.prompt, at: ask.at,
        ageSeconds: 0,
        reference: nil, options: BudgetAsk.options, irreversible: false, workerAlive: nil)
    }
    return Mailbox.merge(
      tenants.values.map { (tenant: $0.id.name, asks: $0.report?.asks ?? []) }, fleet: own, now: clock.now)
  }

  package func workers() async -> [WorkerRow] {
    let places = Dictionary(
      workerPlan().pending.map { ("\($0.wish.tenant.name)/\($0.wish.worker)", $0) },
      uniquingKeysWith: { first, _ in first })
    return tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
      let unrecorded = tenant.unrecorded.ids.sorted().map {
        WorkerRow(tenant: tenant.id.name, id: $0, phase: .running, reason: UnrecordedWorkers.words)
      }
      return unrecorded
        + (tenant.report?.workers ?? []).map { worker in
          let record = worker.record
          let place = places["\(tenant.id.name)/\(record.id)"]
          let isStarting = tenant.starting.contains(record.id) && record.phase == .pending
          return WorkerRow(
            tenant: tenant.id.name, id: record.id, phase: isStarting ? .starting : record.phase,
            reason: place?.reason
              ?? (isStarting
                ? nil
                : tenant.memoryEnds[record.generation] ?? record.reason
                  ?? (record.phase == .running ? tenant.strangers[record.generation] : nil)),
            position: place?.position,
            pid: record.process?.pid, health: worker.health, sandbox: record.sandbox, branch: record.branch,
            startedAt: record.startedAt, exitCode: worker.exitCode, spent: tenant.holds.spent?[record.id])
        }
    }
  }

  package func changes(after token: UInt64?) async -> FleetChanges? { await feed.changes(after: token) }

  package func logs(tenant: String?, after sequence: UInt64?, limit: Int) async -> [LogLine] {
    log.lines(tenant: tenant, after: sequence, limit: limit)
  }

  package func tenants(ofUser uid: UInt32) async -> Set<String> {
    // A tenant whose user nobody knows belongs to nobody.
    Set(tenants.values.filter { (try? user(named: $0.configuration.user).uid) == uid }.map(\.id.name))
  }

  package nonisolated func place(ofProcess pid: Int32) async -> PeerPlace { confinement.groups.place(of: pid) }

  package func tenant(_ name: String) async throws(FleetRefusal) -> TenantDetail {
    let tenant = try known(name)
    let pending = workerPlan().pending.filter { $0.wish.tenant == tenant.id }.count
    let uid: UInt32
    do { uid = try confined(tenant).user.uid } catch { throw FleetRefusal(.unavailable, "\(error)") }
    return TenantDetail(
      row: row(tenant, pending: pending), uid: uid, intervalSeconds: Int64(tenant.state.interval),
      weight: Int64(tenant.configuration.weight), timeZone: tenant.configuration.zone.name,
      repos: tenant.configuration.repositories.mapValues(\.string),
      problems: (tenant.report?.problems ?? []) + sandboxProblems(tenant))
  }

  package func knows(tenant name: String) async -> Bool { tenants[name] != nil }

  func known(_ name: String) throws(FleetRefusal) -> SupervisedTenant {
    if let tenant = tenants[name] { return tenant }
    let names = tenants.keys.sorted().joined(separator: ", ")
    throw FleetRefusal(
      .notFound, "no tenant \"\(name)\"",
      hint: names.isEmpty ? "add one: looop-fleet tenant add" : "there are: \(names)")
  }
}
