import SystemPackage

extension Beat {
  struct Decision {
    var move: Move
    var runID: String
    var runner: String
    var seconds: Double
    /// The parked moves that the decider was shown.
    var shown: [ParkedMove]
  }

  struct Failure {
    var runID: String
    var code: String
    var error: String
  }

  enum DecideOutcome {
    /// The budget said no.
    case held(reason: String, retryAt: Int64?)
    /// Something was missing before the runner could start: nothing is spent, nothing counts as a failure.
    case notStarted(String)
    case failed(Failure)
    case move(Decision)
  }

  func decide(_ look: Look, admission: inout some DecideAdmission) -> DecideOutcome {
    let config: RunnerConfig
    switch look.config {
    case .absent: config = RunnerConfig(.claude)
    case .unreadable(let reason), .corrupt(let reason): return .notStarted(reason)
    case .value(let value): config = value
    }
    guard let command = config.tickCommand else { return .notStarted("no tick command is configured") }
    let run = RunDirectory.next(data, now: clock.now)
    return RunnerKind.isRules(command)
      ? decideByRules(look, config, run, admission: &admission)
      : decideByRunner(look, command, run, admission: &admission)
  }

  // MARK: - A runner

  private func decideByRunner(
    _ look: Look, _ command: String, _ run: RunDirectory, admission: inout some DecideAdmission
  ) -> DecideOutcome {
    let label = RunnerKind.label(command)
    let parked = ParkedMoves(data).forPrompt()
    var input = promptInput(look, parked: parked)
    // The limits come with the grant: room for them is part of the wish.
    let size = Prompt.build(input).text.utf8.count + 2048
    let wish = DecideWish(
      runID: run.id, runner: RunnerKind.account(command), model: RunnerKind.model(command), promptBytes: size)
    let reservation: String
    switch admission.admit(wish) {
    case .refused(let reason, let retryAt): return .held(reason: reason, retryAt: retryAt)
    case .granted(let granted): reservation = granted
    }
    input.limits = admission.limits()
    if let problem = prepare(run, prompt(input), look) {
      admission.settle(reservation: reservation, runID: run.id, usage: .nothing(label))
      return .notStarted(problem)
    }
    note(
      "decide_start", .step, "tick.start", "deciding with \(label) (\(run.id))",
      ["runner": .string(label), "run_id": .string(run.id)])
    let outcome = runAndSettle(command, label, run, reservation, admission: &admission)
    if let failure = outcome.failure(deadline: knobs.tickTimeout) {
      return .failed(Failure(runID: run.id, code: LastFailure.failed, error: failure))
    }
    do throws(MoveError) {
      let move = try MoveParser.move(file: try takeDecision(), answer: outcome.answer)
      return .move(Decision(move: move, runID: run.id, runner: label, seconds: outcome.seconds, shown: parked))
    } catch {
      let code = error.code == .absent ? LastFailure.noDecision : LastFailure.failed
      return .failed(Failure(runID: run.id, code: code, error: error.reason))
    }
  }

  private func prompt(_ input: PromptInput) -> Prompt {
    let prompt = Prompt.build(input)
    if !prompt.omissions.isEmpty {
      log(
        Notice(
          .warn, "tick.prompt_oversize",
          "the prompt is cut at LOOOP_PROMPT_MAX_BYTES: \(prompt.omissions.joined(separator: ", "))"))
    }
    return prompt
  }

  private func runAndSettle(
    _ command: String, _ label: String, _ run: RunDirectory, _ reservation: String,
    admission: inout some DecideAdmission
  ) -> RunnerOutcome {
    let baseline = UsageBaseline.read(data)
    let outcome = RunnerProcess(
      command: command, data: data, run: run, environment: environment, clock: clock, deadline: knobs.tickTimeout,
      retries: knobs.runnerRetries, retryMatch: knobs.runnerRetryMatch, retrySleep: knobs.runnerRetrySleep
    ).start(baseline: baseline)
    for warning in outcome.warnings { log(Notice(.warn, "tick.guard_degraded", warning)) }
    // The baseline first: a crash between the two charges a resumed session as a bound, never twice.
    if !outcome.sessions.isEmpty {
      attempt("tick.guard_degraded") { try baseline.adding(outcome.sessions).write(data) }
    }
    admission.settle(
      reservation: reservation, runID: run.id,
      usage: outcome.neverRan(command) ? .nothing(label) : outcome.usage.withModel(environment))
    return outcome
  }

  /// Everything that must be on disk before money is spent; the answer is why not.
  private func prepare(_ run: RunDirectory, _ prompt: Prompt, _ look: Look) -> String? {
    do throws(HostError) {
      try run.create(prompt: prompt.text)
      try DecideLedger.read(data).ledger.adding(clock.now).write(data)
      try Sense.publishReadings(data, look.sensed)
    } catch {
      return "the decision cannot be prepared: \(error)"
    }
    switch FileReading.of(data.decision) {
    case .absent: return nil
    case .contents, .unreadable:
      // An old decision must never be taken for the new one.
      guard AtomicFile.remove(data.decision) else { return "an old .decision.json cannot be removed" }
      log(Notice(.warn, "tick.stale_decision", "an old .decision.json was removed"))
      return nil
    }
  }

  /// Reads the decision file and removes it; `nil` where the runner wrote none. An unreadable one is left for its owner to see.
  private func takeDecision() throws(MoveError) -> String? {
    switch FileReading.of(data.decision) {
    case .absent: return nil
    case .unreadable(let error): throw MoveError(.unreadable, ".decision.json: \(error)")
    case .contents(let bytes):
      guard AtomicFile.remove(data.decision) else {
        throw MoveError(.unreadable, ".decision.json cannot be removed, so it is not carried out")
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  // MARK: - Rules

  private func decideByRules(
    _ look: Look, _ config: RunnerConfig, _ run: RunDirectory, admission: inout some DecideAdmission
  ) -> DecideOutcome {
    let name = RunnerKind.rules.rawValue
    let started = clock.monotonic()
    let reservation: String
    switch admission.admit(DecideWish(runID: run.id, runner: name, model: nil, promptBytes: 0)) {
    case .refused(let reason, let retryAt): return .held(reason: reason, retryAt: retryAt)
    case .granted(let granted): reservation = granted
    }
    defer { admission.settle(reservation: reservation, runID: run.id, usage: .nothing(name)) }
    events.append("decide_start", ["runner": .string(name), "run_id": .string(run.id)])
    let world = Dictionary(
      look.sensed.world.snapshots.compactMap { snapshot in snapshot.json.map { (snapshot.stem, $0) } },
      uniquingKeysWith: { _, last in last })
    do throws(RuleError) {
      let rules = try RulesDecider.load(data.rules)
      var decision = try rules.decide(world: world, promptIsScript: config.promptIsScript)
      let parked = ParkedMoves(data).forPrompt()
      if isRefused(decision.move) {
        decision.move = Move(.noop(reason: "\(decision.rule.map { "rule \($0): " } ?? "")a human refused this move"))
      }
      writeLog(run, "\(decision.rule.map { "rule \($0)" } ?? "no rule") → \(decision.move.json.compact)")
      return .move(
        Decision(
          move: decision.move, runID: run.id, runner: name, seconds: clock.monotonic() - started, shown: parked))
    } catch {
      writeLog(run, error.description)
      return .failed(Failure(runID: run.id, code: LastFailure.failed, error: error.description))
    }
  }

  /// Rules do not read what a human answered: a no to exactly this move stands.
  private func isRefused(_ move: Move) -> Bool {
    var problems: [String] = []
    return ParkedMoves(data).all(&problems).contains { $0.phase == .refused && $0.move.action == move.action }
  }

  private func writeLog(_ run: RunDirectory, _ text: String) {
    attempt("tick.guard_degraded") {
      try Directory.create(run.path)
      let line = "[\(LocalTime(clock.now).clockSeconds)] \(Rendering.line(text))\n"
      try AtomicFile.write(line, to: run.output)
      try AtomicFile.write(line, to: data.tickLog)
    }
  }
}

extension RunUsage {
  /// A run that did not happen, or that costs nothing.
  static func nothing(_ runner: String) -> RunUsage {
    RunUsage(runner: runner, tokens: TokenCount(), microUSD: 0, complete: true)
  }
}

extension RunnerOutcome {
  /// The shell found no such program, or could not start at all: nothing can have been spent.
  func neverRan(_ command: String) -> Bool {
    guard sessions.isEmpty, usage.tokens == nil else { return false }
    switch reason {
    case .failedToStart: return true
    case .code(let code):
      return printed == tail.count && MissingProgram.explains(exitCode: code, command: command, printed: tail)
    case .signal, .timedOut: return false
    }
  }
}
