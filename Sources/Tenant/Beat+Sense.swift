/// What one beat knows of the world: all later steps use this value, none looks again.
struct Look {
  var sensed: Sensed
  var sessions: [Session]?
  var config: RunnerConfig.Reading
  var stamp: WakeStamp

  /// The ids of live workers.
  var live: Set<String> { Set((sessions ?? []).lazy.filter(\.isAlive).map(\.id)) }
}

extension Beat {
  /// What must be in order before the world is read: directories, old sessions, dead claims, cut-off commands and due verifies.
  func keepHouse(_ config: RunnerConfig.Reading) {
    for warning in knobs.warnings { log(Notice(.warn, "env.invalid", warning)) }
    attempt("seed.degraded") {
      try Seed.ensure(data, configuration: RunnerConfig.path(data, environment), now: clock.now)
    }
    let now = clock.now
    let sessions = try? Sessions.list(data)
    if let sessions {
      // Before what has ended is taken away.
      attempt("cost.degraded") { try workerCharges(config).run(sessions) }
      Reaper(data, ttlSeconds: ttl(config)).run(sessions, now: now)
    }
    let reaped = Claims(data).reap(now: now) { id in sessions == nil ? nil : Sessions.isAlive(id, in: data) }
    for claim in reaped {
      note(
        "claim_reaped", .info, "claim.reaped", "claim \(claim.claim) of the dead \(claim.session ?? "?") is free again",
        ["claim": .string(claim.claim), "session": .optional(claim.session)])
    }
    attempt("tick.guard_degraded") {
      let leftovers = try IntentLog(data).endLeftovers()
      if leftovers > 0 {
        log(Notice(.warn, "tick.leftovers", "ended \(leftovers) process(es) of a command whose beat had died"))
      }
      for interrupted in try IntentLog(data).interrupted(timeout: knobs.shellTimeout, now: now) {
        let notice = interrupted.notice
        note("tick_interrupted", notice.level, notice.code, notice.message, notice.fields)
      }
    }
    let verified = Verify(data).runDue(
      sessions: sessions, environment: environment,
      limits: Verify.Limits(timeoutSeconds: knobs.verifyTimeout, beatBudgetSeconds: knobs.verifyBudget), clock: clock)
    for event in verified { log(Self.notice(event)) }
  }

  /// Before the world is read too: what an approved move changed is part of it.
  func takeAnswers(_ config: RunnerConfig.Reading) {
    ParkedMoves(data).takeAnswers(executor(config)).notices.forEach(log)
  }

  private func workerCharges(_ config: RunnerConfig.Reading) -> WorkerCharges {
    guard case .value(let config) = config else {
      return WorkerCharges(data, environment: environment, clock: clock, configured: nil)
    }
    return WorkerCharges(
      data, environment: environment, clock: clock, configured: config.workerCommand,
      unmetered: config.unmeteredUSD.flatMap { $0 > 0 ? max(1, Money.microUSD($0)) : nil })
  }

  private func ttl(_ config: RunnerConfig.Reading) -> Int64 {
    // An unreadable configuration must not remove anything earlier than its owner wants.
    guard case .value(let config) = config else {
      return max(Reaper.defaultTTL, RunnerConfig(.custom).sessionTTL(environment))
    }
    return config.sessionTTL(environment)
  }

  private static func notice(_ event: Verify.Event) -> Notice {
    switch event {
    case .verified(let id, let passed, let command):
      Notice(
        passed ? .ok : .warn, "worker.verify", "verify of \(id) \(passed ? "passed" : "FAILED"): \(command)",
        fields: ["worker": .string(id), "ok": .bool(passed)])
    case .deferred(let id):
      Notice(.info, "worker.verify_deferred", "verify of \(id) is put off: this beat's time for it is used up")
    case .skipped(let reason): Notice(.warn, "worker.verify_skipped", "verifies are put off: \(reason)")
    }
  }

  func sense(_ config: RunnerConfig.Reading) -> Look {
    var sessions: [Session]?
    // Before the look: what changes during it wakes the loop again.
    var stamp = WakeStamp.files(data)
    let sensed = Sense.run(data, environment: environment, clock: clock) {
      sessions = try? Sessions.list(data)
      let pending = Asks(data).pending()
      for problem in pending.problems { log(Notice(.warn, "tick.sense_degraded", problem)) }
      let now = clock.now
      let summaries = sessions.map { list in
        SessionSummaries.workers(data, sessions: list, pending: pending.asks, now: now, stuckAfter: knobs.workerStuck)
      }
      return Observed(sessions: summaries, pendingAsks: pending.asks)
    }
    for notice in sensed.notices {
      log(notice)
      if notice.code == "sense.flapping" { events.append("sensor_flapping", notice.fields) }
    }
    stamp.policyHash = sensed.world.policyHash
    return Look(sensed: sensed, sessions: sessions, config: config, stamp: stamp)
  }

  func gates(_ look: Look, forced: Bool) -> GateVerdict {
    guard look.sensed.isReliable else {
      return .unusable(
        "the world cannot be read: \(look.sensed.world.problems.map(\.description).joined(separator: "; "))")
    }
    var problem: String?
    var isFree = false
    switch look.config {
    case .absent: break
    case .unreadable(let reason), .corrupt(let reason): problem = reason
    case .value(let config):
      if let command = config.tickCommand { isFree = RunnerKind.isRules(command) }
      if config.tickCommand == nil { problem = "no tick command is configured; `looop init` chooses a runner" }
    }
    let (ledger, warning) = DecideLedger.read(data)
    if let warning { log(Notice(.warn, "tick.guard_degraded", warning)) }
    let world = look.sensed.world
    return Gates.verdict(
      GateInput(
        lastHash: DecisionMark.hash(data), worldHash: world.hash, policyHash: world.policyHash, forced: forced,
        noop: NoopMark.read(data), noopTTL: knobs.noopTTL, backoff: Backoff.read(data), ledger: ledger,
        // The cap is on what costs: rules cost nothing.
        maxDecidesPerHour: isFree ? 0 : knobs.maxDecidesPerHour, configProblem: problem, now: clock.now))
  }
}
