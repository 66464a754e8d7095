import Logging
import SystemPackage
import Tenant

/// Taking tenants over, and what becomes of one that cannot be.
extension Supervisor {
  func startTakeOver(_ name: String) {
    guard let tenant = tenants[name] else { return }
    tenants[name]?.state.lease = .taking
    // The take-over brings a report with it.
    tenants[name]?.state.refresh = .running
    let places = tenant.isSound ? helperPlaces : slowHelperPlaces
    begin { fleet in
      let outcome = await places.with(name) { await fleet.takeOver(name) }
      if fleet.tenants[name] == nil, case .held(let lock, _, _) = outcome {
        // It was removed meanwhile: what was just taken goes back.
        var gone = tenant
        gone.lock = lock
        await fleet.giveBack(gone)
      }
      fleet.tookOver(name, outcome)
    }
  }

  private func takeOver(_ name: String) async -> TakeOver.Outcome {
    guard let tenant = tenants[name] else { return .failed("it is gone") }
    do {
      let confined = try confined(tenant)
      let confinement = confinement
      let takeOver = TakeOver(
        prepare: { try confinement.prepare(confined) }, spawn: try command(tenant, .helper, ["hold"]),
        inotify: try watch.descriptor(for: confined.user.uid), socket: paths.socket.string, tenant: name)
      let outcome = await takeOver.run()
      if case .held(_, let watches, _) = outcome {
        watch.add(tenant: name, descriptor: takeOver.inotify, places: watches)
      }
      return outcome
    } catch {
      return .failed("\(error)")
    }
  }

  private func tookOver(_ name: String, _ outcome: TakeOver.Outcome) {
    guard let tenant = tenants[name], tenant.state.lease == .taking else { return }
    let isOutdated = tenant.state.refresh == .runningStale
    tenants[name]?.state.refresh = .stale
    switch outcome {
    case .held(let lock, _, let report):
      tenants[name]?.lock = lock
      tenants[name]?.state.lease = .held
      if let report {
        if !isOutdated { tenants[name]?.state.refresh = .current }
        take(report, of: name)
      }
      expectSandboxes(name)
      if tenant.state.trouble != nil { say("taken over again", about: name) }
      // A beat that crashed is forgotten when one does not.
      if tenant.state.lastBeat?.outcome != .failed {
        tenants[name]?.state.failures = 0
        tenants[name]?.state.trouble = nil
      }
      // Holds of an earlier life, also of a tenant that is paused and will not beat.
      closeAbandoned(name)
      // The first beat of a tenant that was never seen comes soon, spread over two seconds; then its own rhythm.
      let first =
        tenant.state.lastBeat == nil ? Timetable.offset(of: name, interval: min(tenant.state.interval, firstSpread)) : 0
      schedule(name, in: first)
    case .foreign(let who):
      if tenant.state.trouble != who { say(who, about: name, level: .warning) }
      var state = tenant.state
      (state.lease, state.trouble, state.refresh) = (.foreign(who), who, .stale)
      tenants[name]?.state = state
      schedule(name, in: Reconcile.delay(state, nextWakeAt: nil, wall: clock.wall()))
    case .failed(let why):
      tenants[name]?.state.lease = .unavailable(why)
      failed(name, why)
    }
    changed(.tenants, about: name)
    reconcile(name, .look)
  }

  /// Its data dir, or a directory in it, is not what we watch and hold the lock of any more: it was moved, or another one was put in its
  /// place. What is there now is taken over anew, after a moment: whoever replaces it may not be done.
  func lostSight(of name: String) {
    guard let tenant = tenants[name], tenant.state.lease == .held else { return }
    watch.remove(tenant: name)
    tenants[name]?.lock = nil
    tenants[name]?.state.lease = .none
    schedule(name, in: Self.lostPause)
  }

  private static let lostPause = 1.0

  /// What was wrong may be mended: its failures are counted from the beginning, and it is looked at now.
  func tryAgain(_ name: String) {
    guard let tenant = tenants[name] else { return }
    tenants[name]?.state.failures = 0
    if case .unavailable = tenant.state.lease { tenants[name]?.state.lease = .none }
    schedule(name, in: 0)
  }

  /// With few tenants all begin at once; with many, over their interval.
  private var firstSpread: Double { tenants.count <= 16 ? 1 : Double(tenants.count) / 16 }

  /// Books a supervision failure and when to try again.
  func failed(_ name: String, _ why: String) {
    guard var tenant = tenants[name] else { return }
    tenant.state.failures += 1
    if tenant.state.trouble != why { say(why, about: name, level: .warning) }
    tenant.state.trouble = why
    if tenant.state.failures == TenantState.quarantineAfter {
      say(
        "quarantined after \(tenant.state.failures) failures in a row (\(why)); tried again within the hour, or at once with "
          + "`looop-fleet tenant resume \(name)`", about: name, level: .error)
    }
    tenants[name] = tenant
    schedule(name, in: Reconcile.delay(tenant.state, nextWakeAt: nil, wall: clock.wall()))
    changed(.tenants, about: name)
  }
}
