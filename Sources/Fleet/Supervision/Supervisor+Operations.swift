import Logging
import SystemPackage
import Tenant

/// What people ask of a running fleet. Each wish is durable before it is answered.
extension Supervisor: FleetOperations {
  package func answer(tenant name: String, ask: String, text: String, by caller: Caller) async throws(FleetRefusal) {
    if name == MailboxAsk.fleet {
      guard try await answerBudget(fleetRules, ask, text, caller) else { throw Self.noSuchAsk("\(name)/\(ask)") }
      return
    }
    let tenant = try known(name)
    guard Identifier.isValid(ask) else { throw Self.noSuchAsk("\(name)/\(ask)") }
    // A worker may be called `budget-…` too: then its asks look alike, and only the ledger knows which are the budget's.
    if BudgetAsk.isID(ask), try await answerBudget(rules(of: tenant), ask, text, caller) { return }
    try checkThawed(tenant)
    let result = await helper(
      tenant, ["answer", ask, "--json", "--by", caller.user, "--via", "fleet \(caller.via)", "-"],
      input: Array(text.utf8))
    soil(name)
    reconcile(name, .touched)
    switch result {
    case .success(let json):
      if json["ok"]?.bool == false { throw Self.answerRefusal(json, "\(name)/\(ask)") }
      say("\(ask) answered by \(caller.user)", about: name)
    case .failure(let failure): throw FleetRefusal(.unavailable, failure.description, hint: failure.hint)
    }
  }

  private static func answerRefusal(_ json: JSON, _ id: String) -> FleetRefusal {
    let message = json["message"]?.string ?? "\(id) was not answered"
    switch json["code"]?.string {
    case "alreadyAnswered": return FleetRefusal(.alreadyAnswered, "\(id) was answered already: \(message)")
    case "notFound": return noSuchAsk(id)
    default: return FleetRefusal(.invalidArgument, message)
    }
  }

  private static func noSuchAsk(_ id: String) -> FleetRefusal {
    FleetRefusal(.noSuchAsk, "no ask \"\(id)\"", hint: "list them: looop-fleet asks")
  }

  package func kill(tenant name: String, worker: String, by caller: Caller) async throws(FleetRefusal) {
    let tenant = try known(name)
    guard tenant.report?.workers.contains(where: { $0.record.id == worker }) == true else {
      if tenant.unrecorded.ids.contains(worker) { return try await killUnrecorded(worker, of: tenant, caller) }
      throw FleetRefusal(.notFound, "no worker \"\(name)/\(worker)\"", hint: "list them: looop-fleet workers")
    }
    if tenant.state.frozen {
      try await killFrozen(worker, of: tenant)
    } else {
      let result = await helper(tenant, ["worker", "kill", worker], deadline: 30, expectsDocument: false)
      soil(name)
      reconcile(name, .touched)
      if case .failure(let failure) = result {
        throw FleetRefusal(.conflict, failure.description, hint: "list them: looop-fleet workers")
      }
    }
    say("worker \(worker) killed by \(caller.user)", about: name)
  }

  /// No verb of the tenant knows it any more; its group does.
  private func killUnrecorded(
    _ worker: String, of tenant: SupervisedTenant, _ caller: Caller
  ) async throws(FleetRefusal) {
    if tenant.state.frozen {
      try await killFrozen(worker, of: tenant)
    } else if !(await endUnrecorded(worker, of: tenant.id.name)) {
      throw FleetRefusal(
        .unavailable, "worker \(tenant.id)/\(worker) cannot be ended", hint: "looop-fleet freeze \(tenant.id)")
    }
    say("worker \(worker) killed by \(caller.user)", about: tenant.id.name)
  }

  /// The kernel ends a group that is held still, and needs no process of the tenant for it. The record says so after the thaw.
  private func killFrozen(_ worker: String, of tenant: SupervisedTenant) async throws(FleetRefusal) {
    guard confinement.groups.offer.hasGroups else { throw .frozen(tenant.id.name, tenant.state.heldStill) }
    do throws(HostError) {
      try confinement.groups.kill(.worker(worker, of: tenant.id.name))
    } catch {
      throw FleetRefusal(.unavailable, "\(error)")
    }
  }

  /// Of a frozen tenant nothing may run, whoever wishes it.
  func checkThawed(_ tenant: SupervisedTenant) throws(FleetRefusal) {
    if tenant.state.frozen { throw .frozen(tenant.id.name, tenant.state.heldStill) }
  }

  package func pause(tenant name: String, by caller: Caller) async throws(FleetRefusal) {
    try await order(.pause, give: true, name, caller)
  }

  package func resume(tenant name: String, by caller: Caller) async throws(FleetRefusal) {
    let tenant = try known(name)
    try await order(.pause, give: false, name, caller)
    // In trouble, it need not wait for its next try.
    if tenant.state.failures > 0 { tryAgain(name) }
    if tenant.configuration.isPaused {
      throw FleetRefusal(
        .conflict, "\(name) is paused by its configuration", hint: "take `paused: true` out of tenants.d/\(name).yaml")
    }
  }

  package func freeze(tenant name: String?, by caller: Caller) async throws(FleetRefusal) {
    try await order(.freeze, give: true, name, caller)
  }

  package func thaw(tenant name: String?, by caller: Caller) async throws(FleetRefusal) {
    if name == nil { try await endDrain(by: caller) }
    try await order(.freeze, give: false, name, caller)
  }

  private func order(_ order: StandingOrder, give: Bool, _ name: String?, _ caller: Caller) async throws(FleetRefusal) {
    let scope: BudgetScope = if let name { .tenant(try known(name).id) } else { .fleet }
    let now = ClockReading.now(clock)
    let result = await ledger.perform { ledger in
      if give {
        try ledger.give(order, to: scope, actor: caller.user, via: caller.via, now: now)
      } else {
        try ledger.lift(order, from: scope, actor: caller.user, via: caller.via, now: now)
      }
      return try ledger.orders()
    }
    switch result {
    case .failure(let error): throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    case .success(let orders):
      let failed = await obey(
        orders, name.map { [$0] } ?? tenants.keys.sorted(), isThaw: order == .freeze && !give)
      say("\(give ? "" : "lifted ")\(order.rawValue) by \(caller.user)", about: name)
      guard failed.isEmpty else {
        throw FleetRefusal(
          .unavailable, "the order stands, but not all of it is done: \(failed.joined(separator: "; "))",
          hint: give ? "nothing new starts; end what runs with looop-fleet worker kill, then freeze again" : nil)
      }
    }
  }

  /// Answers what of it could not be done, in words. Whoever thaws a tenant thaws it whatever it was held still for.
  private func obey(_ orders: [OrderRecord], _ names: [String], isThaw: Bool) async -> [String] {
    var failed: [String] = []
    for name in names {
      guard let before = tenants[name]?.state else { continue }
      if isThaw { tenants[name]?.state.heldStill = nil }
      applyOrders(orders, to: name)
      guard let after = tenants[name]?.state else { continue }
      // Said again, a freeze is done again: the first may have failed.
      if after.frozen || before.frozen, let words = await suspend(name, after.frozen) {
        say("could not be \(after.frozen ? "frozen" : "thawed"): \(words)", about: name, level: .error)
        failed.append("\(name) could not be \(after.frozen ? "frozen" : "thawed"): \(words)")
      }
      guard before.frozen != after.frozen || before.paused != after.paused else { continue }
      if !after.frozen, !after.paused {
        tenants[name]?.state.failures = 0
        schedule(name, in: 0)
      }
      if !after.frozen { scheduleTending(name, in: 1) }
      changed(.tenants, about: name)
    }
    admitWorkers()
    return failed
  }

  package func reload(by caller: Caller) async throws(FleetRefusal) -> ReloadOutcome {
    say("configuration reloaded by \(caller.user)")
    return await applyConfiguration()
  }

  package func runVerb(
    tenant name: String, arguments: [String], stdin: String?, by caller: Caller
  ) async throws(FleetRefusal) -> VerbOutcome {
    let tenant = try known(name)
    try checkThawed(tenant)
    // The trampoline would run a program by its path.
    guard let verb = arguments.first, !verb.contains("/") else {
      throw FleetRefusal(
        .invalidArgument, "\(Display.line(arguments.first ?? "")) is no verb of looop", hint: "see looop help")
    }
    guard await verbPlaces.take(name, waitingAtMost: Self.waitingVerbs) else {
      throw FleetRefusal(
        .tooManyRequests, "\(Self.waitingVerbs) verbs of \(name) wait already",
        hint: "try again when they are done")
    }
    let result = await relay(arguments, input: stdin.map { Array($0.utf8) } ?? [], tenant)
    await verbPlaces.give(name)
    soil(name)
    reconcile(name, .touched)
    return try result.get()
  }

  /// Of one tenant; two more run.
  private static let waitingVerbs = 4
  private static let verbSeconds = 120.0
  private static let verbOutput = 4 << 20

  private func relay(
    _ arguments: [String], input: [UInt8], _ tenant: SupervisedTenant
  ) async -> Result<VerbOutcome, FleetRefusal> {
    // Frozen or drained while it waited.
    if let now = tenants[tenant.id.name], now.state.frozen {
      return .failure(.frozen(tenant.id.name, now.state.heldStill))
    }
    var run: BoundedRun
    do {
      run = BoundedRun(
        try command(tenant, .helper, arguments), input: input, deadline: Self.verbSeconds, keepOutput: Self.verbOutput,
        keepErrors: 64 << 10)
    } catch {
      return .failure(FleetRefusal(.unavailable, "\(error)"))
    }
    run.endsAboveOutput = true
    let isWanted = Locked(true)
    run.isWanted = { isWanted.withLock { $0 } }
    let bounded = run
    let outcome = await withTaskCancellationHandler {
      await Threads.run { bounded.run() }
    } onCancel: {
      isWanted.withLock { $0 = false }
    }
    guard outcome.outputCount <= Self.verbOutput else {
      return .failure(
        FleetRefusal(
          .tooLarge, "it says more than \(Self.verbOutput) bytes, and was ended",
          hint: "as the tenant's user, run it on the data dir itself"))
    }
    return .success(
      VerbOutcome(
        exitCode: Int(outcome.reason.shellCode), stdout: String(decoding: outcome.output, as: UTF8.self),
        stderr: String(decoding: outcome.errors, as: UTF8.self)))
  }

  /// Who wished what, through the socket: one line that stays.
  package func record(_ record: AuditRecord) async {
    var more = 0
    let isRefused = record.outcome != "done"
    if !record.caller.roles.contains(.ops), isRefused || !record.caller.roles.contains(.concierge) {
      let now = clock.monotonic()
      switch isRefused ? refusedOrders.place(record.caller, at: now) : tenantOrders.place(record.caller, at: now) {
      case .nowhere: return
      case .log(let unsaid):
        let also = unsaid > 0 ? ", and \(unsaid) more before" : ""
        return say(
          "refused \(record.caller.user) (\(record.caller.uid), no role): \(record.action)\(also)", level: .notice)
      case .ledger(let unsaid): more = unsaid
      }
    }
    let tenant = record.target.flatMap { TenantID(String($0.prefix { $0 != "/" })) }
    let entry = AuditEntry(
      at: record.at, actor: record.caller.user, via: record.caller.via, action: record.action,
      scope: tenant.map { .tenant($0) } ?? .fleet,
      detail: [
        record.target, record.detail, record.outcome,
        more > 0 ? "(and \(more) more \(isRefused ? "refused " : "")before)" : nil,
      ]
      .compactMap { $0 }.joined(separator: " "))
    if case .failure(let error) = await ledger.perform({ try $0.audit(entry) }) { ledgerFailed(error) }
  }
}
