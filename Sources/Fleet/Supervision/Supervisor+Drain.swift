import Logging
import Tenant

/// Stopping everything on request (`down --workers`). The order is on disk before anybody is stopped: a supervisor that dies in the
/// midst of it is followed by one that stops the rest and starts nothing. Taken down once all is stopped, it is done; else `thaw` ends it.
extension Supervisor {
  package func drain(by caller: Caller) async throws(FleetRefusal) -> [String] {
    draining = true
    for name in tenants.keys { tenants[name]?.state.drained = true }
    let now = ClockReading.now(clock)
    // Where it cannot be written down it is done all the same.
    if case .failure(let error) = await ledger.perform({
      try $0.give(.drain, to: .fleet, actor: caller.user, via: caller.via, now: now)
    }) {
      ledgerFailed(error)
    }
    say("drained by \(caller.user): every worker is stopped")
    let live = tenants.values.flatMap { tenant in tenant.liveWorkers.map { "\(tenant.id)/\($0.record.id)" } }.sorted()
    let left = await stopAll()
    guard left.isEmpty else {
      throw FleetRefusal(
        .unavailable, "not everything has ended: \(left.joined(separator: "; "))",
        hint: "the others are stopped and nothing new starts; say it again to try again")
    }
    return live
  }

  /// True where an earlier supervisor was told to and died before it was taken down: nothing starts from here on, and as soon as the
  /// tenants are known ``finishDrain()`` stops what is left.
  func obeyDrain(_ orders: [OrderRecord]) -> Bool {
    guard !draining, let order = orders.first(where: { $0.order == .drain }) else { return false }
    draining = true
    say(
      "drained by \(order.actor): what is left of it is stopped, and nothing starts until `looop-fleet thaw`",
      level: .warning)
    return true
  }

  func finishDrain() {
    begin { fleet in
      for words in await fleet.stopAll() { fleet.say("not everything has ended: \(words)", level: .error) }
    }
  }

  /// As the supervisor ends. Half a drain stays for the next one to finish.
  package func concludeDrain() async {
    guard isStopped else { return }
    let now = ClockReading.now(clock)
    if case .failure(let error) = await ledger.perform({
      try $0.lift(.drain, from: .fleet, actor: "looop-fleet", via: "down", now: now)
    }) {
      say("\(error): the next supervisor starts nothing until `looop-fleet thaw`", level: .error)
    }
  }

  func endDrain(by caller: Caller) async throws(FleetRefusal) {
    guard draining else { return }
    let now = ClockReading.now(clock)
    if case .failure(let error) = await ledger.perform({
      try $0.lift(.drain, from: .fleet, actor: caller.user, via: caller.via, now: now)
    }) {
      throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    }
    (draining, isStopped, drained) = (false, false, [])
    for name in tenants.keys {
      tenants[name]?.state.drained = false
      schedule(name, in: 0)
    }
    changed(.tenants)
  }

  /// What could not be ended, in words. Side by side: whose processes do not end holds up nobody else's end.
  private func stopAll() async -> [String] {
    let left = await withTaskGroup(of: String?.self) { group in
      for tenant in tenants.values { group.addTask { await self.stopAll(of: tenant) } }
      var left: [String] = []
      for await words in group { if let words { left.append(words) } }
      return left.sorted()
    }
    isStopped = left.isEmpty && draining
    return left
  }

  private func stopAll(of tenant: SupervisedTenant) async -> String? {
    // A tenant without a user has no process either.
    guard let confined = try? confined(tenant) else { return nil }
    // A kind word first, for the records. Who is frozen cannot hear it.
    let patience = clock.monotonic() + Self.drainPatience
    for worker in tenant.liveWorkers where !tenant.state.frozen && clock.monotonic() < patience {
      _ = await helper(
        tenant, ["worker", "kill", worker.record.id], deadline: patience - clock.monotonic() + 1,
        expectsDocument: false)
    }
    drained.insert(tenant.id.name)
    let outcome = await confinement.stop(tenant: confined, leaders: tenant.leaders)
    return outcome.isGone ? nil : "\(tenant.id) (\(outcome))"
  }

  /// Seconds for each tenant; what is left of it then is stopped all the same.
  private static let drainPatience = 5.0
}
