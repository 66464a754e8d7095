import SystemPackage

extension Beat {
  /// The prompt's values from what was sensed, and the records that belong to it.
  func promptInput(_ look: Look, parked: [ParkedMove]) -> PromptInput {
    let now = clock.now
    let time = LocalTime(now)
    var input = PromptInput(
      dataDir: data.root.string, localTime: "\(time.date) \(time.clock) \(time.offset)",
      maximumBytes: knobs.promptMaxBytes)
    let world = look.sensed.world
    input.playbook = Self.policy(world.playbook)
    input.goals = world.goals.map { PromptInput.Goal(id: $0.id, body: Self.policy($0.reading) ?? "") }
    input.readings = world.snapshots.map { PromptInput.Reading(stem: $0.stem, text: $0.text) }
    let live = look.live
    input.asks = look.sensed.pendingAsks.map { ask in
      PromptInput.PendingAsk(
        id: ask.id, worker: ask.worker, prompt: ask.prompt, reference: ask.reference, options: ask.options,
        live: live.contains(ask.worker) && !ask.detached,
        gatesMove: ask.worker == ParkedMove.worker && ask.irreversible)
    }
    let acted = GoalActivity.read(data)
    input.stalestGoal =
      world.goals.map(\.id).min { ((acted[$0] ?? .min), $0) < ((acted[$1] ?? .min), $1) }
    input.journal = Journal.tail(data, lines: 20)
    input.changes = WorldDiff.lines(baseline: DecisionMark.baseline(data), world: world)
    input.shell = LastShell.read(data).map {
      PromptInput.ShellOutput(command: $0.command, exitCode: $0.exitCode, output: $0.output)
    }
    input.parked = parked.filter { $0.phase != .refused }.map(\.line)
    input.refused = parked.filter { $0.phase == .refused }.map(\.line)
    input.flapping = look.sensed.flapping.map { "\($0.stem) (\($0.streak) beats)" }
    input.failure = LastFailure.read(data).map { failure in
      PromptInput.Failure(
        code: failure.code, fails: failure.fails,
        ageSeconds: max(0, now.subtractingReportingOverflow(failure.ts).partialValue), error: failure.error)
    }
    return input
  }

  private static func policy(_ reading: FileReading) -> String? {
    switch reading {
    case .absent: nil
    case .unreadable(let error): "(\(error))"
    case .contents(let bytes): String(decoding: bytes, as: UTF8.self)
    }
  }
}
