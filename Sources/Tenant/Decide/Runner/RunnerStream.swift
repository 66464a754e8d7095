/// A runner's output while it comes: rendered lines for the logs, raw events for the record, and in the end the final
/// answer and what the run used. Pure: bytes in, values out.
package struct RunnerStream: Sendable {
  package struct Step: Sendable {
    /// Lines for `output.log`.
    package var rendered: [String] = []
    /// Lines for `events.ndjson`, each one event as it came.
    package var events: [[UInt8]] = []
    /// The plain lines, for the retry pattern.
    package var lines: [String] = []
    /// One of the events changed the figures: it is kept even where the record is full.
    package var metered = false
  }

  private let kind: RunnerKind
  private let label: String
  private let commandModel: String?
  private let startedAt: Int64
  private var splitter = LineSplitter()
  private var fold: (any RunnerFold)?
  private var plain = PlainStream()
  private var tornLines = 0
  private var earlierAttempts: [SessionFigures] = []
  private var earlierIncomplete = false
  private var earlierLimit: Int64?
  private var earlierWorked = false

  package init(command: String, startedAt: Int64) {
    kind = RunnerKind.of(command)
    label = RunnerKind.label(command)
    commandModel = RunnerKind.model(command)
    self.startedAt = startedAt
    fold = Self.fold(kind, model: commandModel, startedAt: startedAt)
  }

  private static func fold(_ kind: RunnerKind, model: String?, startedAt: Int64) -> (any RunnerFold)? {
    switch kind {
    case .claude: ClaudeStream()
    case .codex: CodexStream(model: model, startedAt: startedAt)
    case .opencode: OpencodeStream(model: model)
    case .pi: PiStream()
    case .rules, .plain: nil
    }
  }

  package mutating func feed(_ bytes: [UInt8]) -> Step {
    var lines: [[UInt8]] = []
    splitter.feed(bytes) { lines.append($0) }
    return take(lines)
  }

  package mutating func finish() -> Step {
    var lines: [[UInt8]] = []
    splitter.finish { lines.append($0) }
    return take(lines)
  }

  /// Another try of the same run: its answer counts, and all tries' figures add up.
  package mutating func beginAttempt() {
    earlierIncomplete = earlierIncomplete || !complete
    earlierLimit = fold?.rateLimitedUntil ?? earlierLimit
    earlierWorked = earlierWorked || fold?.worked ?? false
    for figures in fold?.sessions ?? [] { earlierAttempts.append(figures) }
    fold = Self.fold(kind, model: commandModel, startedAt: startedAt)
    splitter = LineSplitter()
    plain = PlainStream()
    tornLines = 0
  }

  private mutating func take(_ lines: [[UInt8]]) -> Step {
    var step = Step()
    for line in lines {
      switch EventLine.read(line) {
      case .text(let text):
        plain.take(text)
        step.lines.append(text)
        step.rendered += Rendering.lines(text)
      case .events(let events, let torn):
        if torn { tornLines += 1 }
        for event in events { take(event, &step) }
      }
    }
    return step
  }

  private mutating func take(_ event: EventLine.Event, _ step: inout Step) {
    step.events.append(event.raw)
    if fold == nil { fold = Self.sniff(event.json, model: commandModel, startedAt: startedAt) }
    guard fold != nil else {
      // JSON of a runner that we do not know: its text may hold the move.
      let text = String(decoding: event.raw, as: UTF8.self)
      plain.take(text)
      step.lines.append(text)
      step.rendered += Rendering.lines(text)
      return
    }
    let before = fold?.sessions
    step.rendered += fold?.take(event.json) ?? []
    if before != fold?.sessions { step.metered = true }
    switch event.json["type"]?.string {
    case "error", "result", "turn.failed": step.lines.append(String(decoding: event.raw, as: UTF8.self))
    default: break
    }
  }

  /// A wrapper script may print any of the known streams: its first unmistakable event tells which.
  private static func sniff(_ event: JSON, model: String?, startedAt: Int64) -> (any RunnerFold)? {
    switch event["type"]?.string {
    case "system" where event["subtype"]?.string == "init" && event["session_id"] != nil:
      fold(.claude, model: model, startedAt: startedAt)
    case "result" where event["total_cost_usd"] != nil: fold(.claude, model: model, startedAt: startedAt)
    case "thread.started" where event["thread_id"] != nil: fold(.codex, model: model, startedAt: startedAt)
    case "step_start" where event["part"] != nil: fold(.opencode, model: model, startedAt: startedAt)
    case "session" where event["version"] != nil && event["cwd"] != nil: fold(.pi, model: model, startedAt: startedAt)
    default: nil
    }
  }

  private var complete: Bool { fold?.complete ?? false }

  /// The text that should hold the move: the stream's own answer, else the last object of the plain text.
  package var answer: RunnerAnswer {
    if let fold { return fold.answer.map(RunnerAnswer.message) ?? .none }
    return plain.text.isEmpty ? .none : .plain(plain.text)
  }

  /// Why the stream says that the run failed, though its exit code may be 0.
  package var failure: String? { fold?.failure }

  package var torn: Int { tornLines }

  /// What the run used. Sessions that went on from an earlier run are counted from `baseline`.
  package func usage(baseline: UsageBaseline = UsageBaseline()) -> RunUsage {
    var usage = RunUsage(runner: runnerName, model: fold?.model ?? commandModel)
    let sessions = SessionTotals.merged(earlierAttempts + (fold?.sessions ?? []))
    usage.session = sessions.last.flatMap { $0.session.isEmpty ? nil : $0.session }
    let deltas = sessions.map(baseline.delta)
    let tokens = deltas.compactMap(\.tokens)
    usage.tokens = tokens.isEmpty ? nil : tokens.reduce(TokenCount(), +)
    let costs = deltas.compactMap(\.microUSD)
    // One session without a price makes the sum a lower bound: unknown, then, rather than too little.
    usage.microUSD = costs.isEmpty || costs.count < deltas.count ? nil : costs.reduce(0, +)
    usage.complete = complete && !earlierIncomplete
    usage.rateLimitedUntil = fold?.rateLimitedUntil ?? earlierLimit
    usage.worked = earlierWorked || fold?.worked ?? false
    return usage
  }

  package var sessions: [SessionFigures] { SessionTotals.merged(earlierAttempts + (fold?.sessions ?? [])) }

  private var runnerName: String {
    switch fold {
    case is ClaudeStream: "claude"
    case is CodexStream: "codex"
    case is OpencodeStream: "opencode"
    case is PiStream: "pi"
    default: label
    }
  }
}

/// Where the move may stand.
package enum RunnerAnswer: Hashable, Sendable {
  case none
  /// The runner's own final message: nothing but the move.
  case message(String)
  /// Plain output: anything, and the move at its end.
  case plain(String)
}

enum SessionTotals {
  /// One entry a session: the same session seen by two attempts goes on, it does not start again.
  static func merged(_ figures: [SessionFigures]) -> [SessionFigures] {
    var result: [SessionFigures] = []
    for one in figures {
      guard !one.session.isEmpty, let index = result.firstIndex(where: { $0.session == one.session }) else {
        result.append(one)
        continue
      }
      let known = result[index]
      result[index].tokens =
        known.tokens.flatMap { a in one.tokens.map { Figures.larger(a, $0) } } ?? known.tokens ?? one.tokens
      result[index].microUSD =
        known.microUSD.flatMap { a in one.microUSD.map { max(a, $0) } } ?? known.microUSD ?? one.microUSD
    }
    return result
  }
}
