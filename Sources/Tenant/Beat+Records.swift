extension Beat {
  /// The move is carried out: this world is decided. The mark is the world before the move, so that the move's own effects show up
  /// as a change.
  func succeed(_ decision: Decision, _ executed: Executed, _ look: Look, _ result: inout Result) {
    let world = look.sensed.world
    attempt("tick.guard_degraded") { try DecisionMark.commit(hash: world.hash, items: world.itemsJSON, data) }
    Backoff.clear(data)
    LastFailure.clear(data)
    if executed.acted {
      NoopMark.clear(data)
    } else {
      attempt("tick.guard_degraded") { try NoopMark(ts: clock.now, hash: world.hash).write(data) }
    }
    attempt("tick.guard_degraded") { try ParkedMoves(data).markShown(decision.shown) }
    result.nap = nap(decision, executed)
    if let nap = result.nap {
      attempt("tick.guard_degraded") { try NextWake(due: clock.now + nap).write(data) }
    }
    result.report.outcome = executed.acted ? .decided : .noop
    result.report.reason = executed.journal
    note(
      "decided", .ok, "tick.decided", "\(executed.kind) · \(executed.journal) · \(Int(decision.seconds.rounded()))s",
      [
        "run_id": .string(decision.runID), "action": .string(decision.move.action.name),
        "journal": .string(executed.journal),
      ])
  }

  /// How soon the decision wants the next beat. A command's output is looked at soon.
  private func nap(_ decision: Decision, _ executed: Executed) -> Int64? {
    if let wanted = decision.move.nextInterval {
      var configured: Int64?
      if case .value(let config) = RunnerConfig.read(data, environment) { configured = config.maxNextInterval }
      return NextWake.clamp(wanted, maximum: knobs.maxNextInterval ?? configured ?? 300)
    }
    return executed.kind == decision.move.action.kind && executed.kind == "shell" ? 5 : nil
  }

  /// The decision failed, or its move did: this world stays undecided, and the next prompt says why.
  func record(_ failure: Failure, _ look: Look, _ result: inout Result) {
    let fails = min(self.fails, 1_000_000) + 1
    attempt("tick.guard_degraded") {
      try Backoff(policyHash: look.sensed.world.policyHash, fails: fails, ts: clock.now).write(data)
    }
    attempt("tick.guard_degraded") {
      try LastFailure(
        ts: clock.now, runID: failure.runID, code: failure.code, error: Rendering.clip(failure.error, 4096),
        fails: fails
      ).write(data)
    }
    result.report.outcome = .failed
    result.report.reason = Rendering.clip(Rendering.line(failure.error), 500)
    note(
      "tick_failed", .error, failure.code, failure.error,
      ["run_id": .string(failure.runID), "fails": .int(Int64(fails))])
  }

  func executor(_ reading: RunnerConfig.Reading) -> Executor {
    var rules = CommandRules(dataDirectory: data.root)
    if case .value(let config) = reading {
      rules.rows = config.irreversible.compactMap { CommandRule(match: $0.match, why: $0.why) }
      // What `rules` has workers do, a human has written into rules.json.
      let isHuman = config.tickCommand.map(RunnerKind.isRules) ?? false
      rules.briefs = isHuman ? .human : .loop(command: config.workerCommand)
    }
    return Executor(
      data: data, environment: environment, clock: clock, rules: rules,
      workers: LoopWorkers(data, environment: environment, binary: binary, clock: clock, knobs: knobs))
  }
}
