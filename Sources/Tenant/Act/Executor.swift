/// Starts and ends workers, for the executor. The workers' own folder implements it.
package protocol WorkerControl {
  /// Validates everything, writes the wish down, then starts it or leaves it to the fleet. The text, if any, joins the
  /// journal line («pending: the fleet starts it»).
  func start(_ wish: WorkerWish) throws -> String?
  func kill(_ id: String) throws
}

/// What became of a move.
package struct Executed: Sendable {
  /// The word for log lines; `parked` for a move that now waits for a yes.
  package var kind: String
  package var journal: String
  /// False for a noop.
  package var acted: Bool
  package var parked: ParkedMove?
  package var notices: [Notice] = []
}

/// Carries out one move: gate → effect → goal activity → journal. A failing effect throws and writes no journal line. Nothing here
/// prints.
package struct Executor {
  package enum Origin: Hashable, Sendable {
    /// The loop decided it: the irreversible gate stands before it.
    case decider
    /// Somebody called the verb, a human or a worker: the deny-list stands, the gate does not.
    case manual
    /// A human said yes to this parked move.
    case approved
  }

  package let data: DataDir
  package let environment: HostEnvironment
  package let clock: HostClock
  package let rules: CommandRules
  package let workers: any WorkerControl

  package init(
    data: DataDir, environment: HostEnvironment, clock: HostClock, rules: CommandRules, workers: any WorkerControl
  ) {
    self.data = data
    self.environment = environment
    self.clock = clock
    self.rules = rules
    self.workers = workers
  }

  package func execute(_ move: Move, origin: Origin = .decider) throws -> Executed {
    // Only a decision consumes the last command's output; a manual verb in between does not eat it.
    let lastShell = origin == .decider ? LastShell.take(data) : nil
    do {
      return try carryOut(move, origin: origin)
    } catch {
      LastShell.restore(data, lastShell)
      throw error
    }
  }

  private func carryOut(_ move: Move, origin: Origin) throws -> Executed {
    if let reason = try IrreversibleGate(rules: rules, allowsDangerous: allowsDangerous).check(move, origin: origin) {
      return try park(move, why: reason)
    }
    let note = try perform(move.action)
    var executed = Executed(
      kind: move.action.kind, journal: line(for: move, note: note), acted: move.action.kind != "noop")
    record(&executed, goal: move.action.goal)
    return executed
  }

  private func park(_ move: Move, why: String) throws -> Executed {
    let parked = try ParkedMoves(data).park(move, why: why, now: clock.now)
    var executed = Executed(
      kind: "parked", journal: "parked \(parked.askID) · \(move.action.summary) · waits for a yes: \(why)", acted: true,
      parked: parked)
    record(&executed, goal: move.action.goal)
    return executed
  }

  /// The effect itself.
  private func perform(_ action: Action) throws -> String? {
    switch action {
    case .noop:
      return nil
    case .runShell(let command, _):
      guard command.contains(where: { !$0.isWhitespace }) else {
        throw ActError(.invalidArgument, "the command is empty")
      }
      try ShellRun(data: data, environment: environment, clock: clock, timeout: shellTimeout).run(command)
      return nil
    case .writeGoal(let id, let body):
      try GoalFiles.write(data, id: id, body: body)
      return nil
    case .archiveGoal(let id):
      try GoalFiles.archive(data, id: id)
      return nil
    case .writeSensor(let name, let script):
      try SensorFiles.write(data, name: name, script: script)
      return nil
    case .writePlaybook(let body):
      try PlaybookFile.write(
        data, body: body, keep: number("LOOOP_PLAYBOOK_KEEP", PlaybookFile.defaultKeep), now: clock.now)
      return nil
    case .startWorker(let wish):
      return try workers.start(wish)
    case .killWorker(let id, _):
      guard id != "pulse" else { throw ActError(.refused, "the pulse is not a worker: `looop down` stops it") }
      try workers.kill(id)
      return nil
    case .writeSchedule(let name, let trigger, let note):
      try Schedules.write(data, name: name, trigger: trigger, note: note, now: clock.now)
      return nil
    case .dropSchedule(let name):
      try Schedules.drop(data, name: name)
      return nil
    }
  }

  private func line(for move: Move, note: String?) -> String {
    if let journal = move.journal, journal.contains(where: { !$0.isWhitespace }) { return journal }
    return move.action.summary + (note.map { " (\($0))" } ?? "")
  }

  /// The effect is done: a record that cannot be written is a warning, not a failure.
  private func record(_ executed: inout Executed, goal: String?) {
    do {
      if let goal { try GoalActivity.stamp(data, goal: goal, now: clock.now) }
      try Journal(data, maximumBytes: number("LOOOP_JOURNAL_MAX_BYTES", Journal.defaultMaximumBytes))
        .append(executed.journal, now: clock.now)
    } catch {
      executed.notices.append(Notice(.warn, "tick.journal_degraded", "\(error)"))
    }
  }

  private var shellTimeout: Int { number("LOOOP_SHELL_TIMEOUT_SECS", ShellRun.defaultTimeout) }
  private var allowsDangerous: Bool { environment["LOOOP_SHELL_ALLOW_DANGEROUS"] == "1" }

  /// A knob that cannot be read has its default; the start of the process has warned of it.
  private func number(_ name: String, _ fallback: Int) -> Int {
    var warnings: [String] = []
    return environment.number(name, warnings: &warnings) ?? fallback
  }
}
