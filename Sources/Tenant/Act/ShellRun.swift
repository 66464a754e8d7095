/// Runs one shell command of the loop: `bash -c` in DATA, no stdin, stdout and stderr together, the whole group killed at the
/// deadline. The intent is on disk before it starts, its output afterwards.
package struct ShellRun: Sendable {
  package let data: DataDir
  package let environment: HostEnvironment
  package let clock: HostClock
  /// Seconds; 0 = none.
  package let timeout: Int

  package static let defaultTimeout = 300
  /// What a failed beat's error shows.
  static let maximumErrorTail = 512
  /// Enough bytes for 2048 characters of any width.
  static let keptBytes = 4 * LastShell.maximumOutput

  package init(data: DataDir, environment: HostEnvironment, clock: HostClock, timeout: Int) {
    self.data = data
    self.environment = environment
    self.clock = clock
    self.timeout = timeout
  }

  /// The command's output, as the next prompt shows it; a command that fails is an error.
  @discardableResult
  package func run(_ command: String) throws -> LastShell {
    let intents = IntentLog(data)
    let intent = try intents.begin(kind: "shell", command: command, timeout: timeout, now: clock.now)
    defer { intents.clear(intent) }
    var environment = environment
    environment[IntentLog.markVariable] = intent.mark
    var tail: [UInt8] = []
    var run = BoundedRun(
      .shell(command, environment: environment, directory: data.root), deadline: Double(timeout), keepOutput: 0)
    run.mergeErrors = true
    run.reapGroup = true
    let outcome = run.run { chunk in
      tail.append(contentsOf: chunk)
      if tail.count > Self.keptBytes { tail.removeFirst(tail.count - Self.keptBytes) }
    }
    let text = String(decoding: tail, as: UTF8.self)
    let exitCode: Int64 = if case .code(let code) = outcome.reason { Int64(code) } else { -1 }
    let last = LastShell(
      command: command, exitCode: exitCode, output: Self.clip(text, LastShell.maximumOutput), ts: clock.now)
    try last.write(data)
    if let failure = Self.failure(outcome.reason, timeout: timeout) {
      let tail = Self.clip(text, Self.maximumErrorTail)
      throw ActError(.failed, "run_shell \(failure)\(tail.isEmpty ? "" : ": \(tail)")")
    }
    return last
  }

  static func failure(_ reason: ExitReason, timeout: Int) -> String? {
    switch reason {
    case .code(0): nil
    case .code(let code): "exited with \(code)"
    case .signal(let number): "was ended by \(SignalName.of(number)) and may have partially executed"
    case .timedOut: "was killed after \(timeout) s and may have partially executed"
    case .failedToStart(let error): "could not start: \(error)"
    }
  }

  /// The last characters, trimmed at the end.
  static func clip(_ text: String, _ maximum: Int) -> String {
    let end = text.lastIndex { !$0.isWhitespace }.map { text.index(after: $0) } ?? text.startIndex
    let trimmed = text[..<end]
    return trimmed.count > maximum ? "…" + trimmed.suffix(maximum - 1) : String(trimmed)
  }
}
