import Glibc
import SystemPackage

/// What a decider's process left: how it ended, what it said, what it used.
package struct RunnerOutcome: Sendable {
  package var reason: ExitReason
  package var answer: RunnerAnswer
  /// The stream says that it failed, though it may have exited 0.
  package var streamFailure: String?
  package var usage: RunUsage
  /// The totals of its sessions, for the next run's baseline.
  package var sessions: [SessionFigures]
  package var seconds: Double
  /// The last rendered lines, for the error's text.
  package var tail: [String]
  /// How many lines there were in all, events and others.
  package var printed: Int
  package var warnings: [String]

  /// Why the run gives no decision; `nil` where it may.
  package func failure(deadline: Double) -> String? {
    let detail = tail.isEmpty ? "" : ": " + Rendering.clip(tail.joined(separator: " | "), 600)
    switch reason {
    case .code(0): return streamFailure
    case .code(127): return "the runner is not there\(detail) (install it, or choose another: looop init)"
    case .code(let code): return "the runner exited \(code)\(streamFailure.map { ": " + $0 } ?? detail)"
    case .signal(let number): return "the runner was ended by signal \(number)\(detail)"
    case .timedOut:
      return "the runner was killed after LOOOP_TICK_TIMEOUT_SECS (\(Int(deadline)) s)\(detail)"
    case .failedToStart(let error): return "the runner did not start: \(error)"
    }
  }
}

/// Runs a tick command: by the shell, in the data dir, as a group of its own, under a deadline, with its output read as a stream
/// while it comes.
package struct RunnerProcess: Sendable {
  package var command: String
  package var data: DataDir
  package var run: RunDirectory
  package var environment: HostEnvironment
  package var clock: HostClock
  /// Seconds in which we could run; 0 = none. It covers all tries.
  package var deadline: Double
  /// Extra tries, for commands that read the prompt by its path.
  package var retries: Int
  /// An extended regular expression, without regard to case: a line that matches makes a try count as failed.
  package var retryMatch: String?
  /// Seconds before the second try; twice that before the third, and so on.
  package var retrySleep: Double
  package var pause: @Sendable (Double) -> Void

  package init(
    command: String, data: DataDir, run: RunDirectory, environment: HostEnvironment, clock: HostClock, deadline: Double,
    retries: Int = 0, retryMatch: String? = nil, retrySleep: Double = 3,
    pause: @escaping @Sendable (Double) -> Void = { _ = usleep(useconds_t(min($0, 3600) * 1e6)) }
  ) {
    self.command = command
    self.data = data
    self.run = run
    self.environment = environment
    self.clock = clock
    self.deadline = deadline
    self.retries = retries
    self.retryMatch = retryMatch
    self.retrySleep = retrySleep
    self.pause = pause
  }

  /// How many rendered lines an error may quote.
  private static let tailLines = 5

  package func start(baseline: UsageBaseline) -> RunnerOutcome {
    let logs = RunLogs(run, tickLog: data.tickLog)
    defer { logs.close() }
    let pattern = retryMatch.flatMap { Pattern($0, ignoringCase: true) }
    let pathFed = PromptPlaceholder.isIn(command)
    let tries = pathFed ? max(0, retries) + 1 : 1
    var spent = 0.0
    var stream = RunnerStream(command: command, startedAt: clock.now)
    var tail: [String] = []
    var printed = 0
    var reason = ExitReason.code(0)
    for attempt in 1...tries {
      var matched = false
      let take = { (step: RunnerStream.Step) in
        logs.write(step, clock: LocalTime(clock.now).clockSeconds)
        tail = (tail + step.rendered).suffix(Self.tailLines)
        printed += step.rendered.count + step.events.count
        if let pattern, !matched { matched = step.lines.contains(where: pattern.matches) }
      }
      let end = once(deadline: deadline > 0 ? max(0.001, deadline - spent) : 0) { take(stream.feed($0)) }
      reason = end.reason
      spent += end.seconds
      take(stream.finish())
      guard attempt < tries, reason != .timedOut, !reason.succeeded || matched else { break }
      let sleep = retrySleep * Double(attempt)
      guard deadline == 0 || spent + sleep < deadline else { break }
      pause(sleep)
      spent += sleep
      stream.beginAttempt()
    }
    return RunnerOutcome(
      reason: reason, answer: stream.answer, streamFailure: stream.failure, usage: stream.usage(baseline: baseline),
      sessions: stream.sessions, seconds: spent, tail: tail, printed: printed,
      warnings: logs.warnings + (stream.torn > 0 ? ["\(stream.torn) torn event line(s) in \(run.events)"] : []))
  }

  private func once(deadline: Double, _ onOutput: @escaping ([UInt8]) -> Void) -> RunOutcome {
    var script = command
    var input = Spawn.Stream.null
    var promptEnd: CInt = -1
    if PromptPlaceholder.isIn(command) {
      script = PromptPlaceholder.substitute(run.prompt, in: command)
    } else {
      do throws(HostError) {
        promptEnd = try OwnedDescriptor(opening: run.prompt, O_RDONLY, operation: "read").release()
      } catch {
        return RunOutcome(reason: .failedToStart(error))
      }
      input = .descriptor(promptEnd)
    }
    defer { if promptEnd >= 0 { close(promptEnd) } }
    var spawn = Spawn.shell(script, environment: environment, directory: data.root)
    spawn.input = input
    // A beat that is killed must not leave a runner behind that goes on spending and that nobody reads.
    spawn.diesWithUs = true
    var bounded = BoundedRun(spawn, deadline: deadline, keepOutput: 0, keepErrors: 0)
    bounded.mergeErrors = true
    bounded.reapGroup = true
    return bounded.run(onOutput: onOutput)
  }
}
