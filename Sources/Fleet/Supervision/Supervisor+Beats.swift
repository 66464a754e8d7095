import Tenant

/// Beats: a place in the fleet, a process of the tenant, its questions at the door, its report.
extension Supervisor {
  func requestBeat(_ name: String, force: Bool) {
    guard let tenant = tenants[name] else { return }
    tenants[name]?.state.activity = .queued(force: force)
    if isSlow(tenant.state) {
      slowGate.enqueue(name, tenant: tenant.id, weight: 1)
    } else {
      beatGate.enqueue(name, tenant: tenant.id, weight: tenant.configuration.weight)
    }
    startAdmittedBeats()
  }

  /// In trouble, or so slow that it would hold a place against the well ones.
  private func isSlow(_ state: TenantState) -> Bool {
    state.failures > 0 || (state.lastBeat.map { $0.durationMS > 5000 && $0.runID == nil } ?? false)
  }

  private func startAdmittedBeats() {
    for name in beatGate.admit() + slowGate.admit() { startBeat(name) }
  }

  func leaveGates(_ name: String) {
    beatGate.leave(name)
    slowGate.leave(name)
    startAdmittedBeats()
  }

  private func startBeat(_ name: String) {
    guard let tenant = tenants[name], !stopping, !draining, case .queued(let force) = tenant.state.activity,
      !tenant.state.paused,
      !tenant.state.frozen
    else {
      tenants[name]?.state.activity = .idle
      return leaveGates(name)
    }
    tenants[name]?.state.activity = .beating(since: clock.monotonic())
    tenants[name]?.state.wakeAfterBeat = false
    let pause = BeatProcess.Pause()
    tenants[name]?.pause = pause
    begin { fleet in
      let ending = await fleet.beat(tenant, force: force, pause)
      fleet.beatEnded(name, ending)
    }
  }

  /// One beat from its start to its end, with what it asks at the door meanwhile.
  private func beat(
    _ tenant: SupervisedTenant, force: Bool, _ pause: BeatProcess.Pause
  ) async -> BeatProcess.Ending {
    let name = tenant.id.name
    let beat: BeatProcess
    do {
      let spawn = try command(tenant, .beat, ["beat", "--door"] + (force ? ["--force"] : []))
      beat = BeatProcess(spawn: spawn, pause: pause)
    } catch {
      return BeatProcess.Ending(report: nil, failure: "\(error)", milliseconds: 0)
    }
    let (events, news) = AsyncStream.makeStream(of: BeatProcess.Event.self)
    async let ending = beat.run(news)
    await withDiscardingTaskGroup { group in
      for await event in events {
        switch event {
        case .started(let process): beatStarted(name, process)
        case .line(let line, let reply): group.addTask { await self.door(name, line, reply) }
        }
      }
      // It has ended: a question of it that still waits for a place waits for nobody.
      dropDecide(name)
    }
    return await ending
  }

  private func beatStarted(_ name: String, _ process: ProcessIdentity?) {
    if case .beating = tenants[name]?.state.activity { tenants[name]?.beat = process }
  }

  private func beatEnded(_ name: String, _ ending: BeatProcess.Ending) {
    leaveGates(name)
    guard var tenant = tenants[name] else { return }
    let wake = tenant.state.wakeAfterBeat
    let before = tenant.state.phase
    let previous = tenant.state.lastBeat
    tenant.state.activity = .idle
    tenant.state.wakeAfterBeat = false
    tenant.state.lastBeatAt = clock.now
    tenant.beat = nil
    tenant.pause = nil
    guard let report = ending.report, ending.failure == nil else {
      tenant.state.lastBeat = TenantReport.Beat(
        outcome: .failed, reason: ending.failure, durationMS: ending.milliseconds)
      tenants[name] = tenant
      closeAbandoned(name)
      return failed(name, ending.failure ?? "its beat ended without a report")
    }
    var beat = report.beat ?? TenantReport.Beat(outcome: .idle)
    beat.durationMS = ending.milliseconds
    if tenant.state.failures > 0 { say("beats again after \(tenant.state.failures) failures", about: name) }
    tenant.state.failures = 0
    tenant.state.decideFailures = beat.outcome == .failed ? max(1, beat.fails) : beat.fails
    // While it backs off, its beats only say that they do.
    if beat.fails == 0 { tenant.state.decideTrouble = nil }
    if beat.outcome == .failed { tenant.state.decideTrouble = beat.reason }
    tenant.state.trouble = beat.outcome == .failed ? beat.reason : report.problems.first
    tenant.state.lastBeat = beat
    tenants[name] = tenant
    // What repeats itself with every beat is in `status`; the log says it once.
    let isNews = beat.outcome == .decided || (previous?.outcome, previous?.reason) != (beat.outcome, beat.reason)
    if isNews, beat.outcome != .unchanged, beat.outcome != .held {
      say("\(beat.outcome.rawValue)\(beat.reason.map { ": \($0)" } ?? "")", about: name)
    }
    closeAbandoned(name)
    take(report, of: name)
    schedule(name, in: Reconcile.delay(tenant.state, nextWakeAt: beat.nextWakeAt, wall: clock.wall()))
    if before != tenant.state.phase { changed(.tenants, about: name) }
    // What the beat itself wrote is not news to it; what a human did meanwhile is, also while it decided.
    if beat.isOutdated || (wake && (beat.outcome == .unchanged || beat.outcome == .idle)) {
      reconcile(name, .touched)
    } else {
      reconcile(name, .look)
    }
  }

  // MARK: - The door

  private func door(_ name: String, _ line: JSON, _ reply: BeatProcess.Reply) async {
    switch line["op"]?.string {
    case "admit":
      reply.send(await admit(name, line))
    case "settle":
      await settleAtDoor(line, of: name)
      reply.send(["ok": true])
    default:
      reply.send(["ok": false, "reason": "this door knows admit, settle and report"])
    }
  }

  func admit(_ name: String, _ line: JSON) async -> JSON {
    guard let runID = line["run_id"]?.string, Identifier.isValid(runID), let tenant = tenants[name] else {
      return Self.refusal("the request names no run", retryAt: nil)
    }
    guard !tenant.state.frozen, !tenant.state.paused else {
      return Self.refusal(tenant.state.heldStill ?? "paused by ops", retryAt: nil)
    }
    if let full = tenant.state.full { return Self.refusal(full, retryAt: nil) }
    guard waitingDecides[name] == nil else {
      return Self.refusal("another question of this beat waits for a place", retryAt: nil)
    }
    guard await waitForDecidePlace(name, tenant) else {
      let state = tenants[name]?.state
      let why = state?.frozen == true ? state?.heldStill ?? "frozen by ops" : "the fleet is stopping"
      return Self.refusal(why, retryAt: nil)
    }
    let request = RunRequest(
      tenant: tenant.id, kind: .tick, runID: runID, runner: line["runner"]?.string ?? "unknown",
      model: line["model"]?.string, promptBytes: max(0, line["prompt_bytes"]?.int ?? 0))
    let verdict = await admitDecide(request, for: name)
    if verdict["granted"]?.bool != true { dropDecide(name) }
    return verdict
  }

  static func refusal(_ reason: String, retryAt: Int64?) -> JSON {
    ["granted": false, "reason": .string(reason), "retry_at": .optional(retryAt)]
  }

  private func waitForDecidePlace(_ name: String, _ tenant: SupervisedTenant) async -> Bool {
    decideGate.enqueue(name, tenant: tenant.id, weight: tenant.configuration.weight)
    let admitted = decideGate.admit()
    for other in admitted where other != name { waitingDecides.removeValue(forKey: other)?.resume(returning: true) }
    if admitted.contains(name) { return true }
    return await withCheckedContinuation { waitingDecides[name] = $0 }
  }

  /// A decide is over, refused or its beat is gone: the next one may have the place.
  func dropDecide(_ name: String) {
    decideGate.leave(name)
    waitingDecides.removeValue(forKey: name)?.resume(returning: false)
    for next in decideGate.admit() { waitingDecides.removeValue(forKey: next)?.resume(returning: true) }
  }
}
