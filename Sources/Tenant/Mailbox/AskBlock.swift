import Glibc
import SystemPackage

/// `looop ask`: asks, then stands still until the answer is there. Nothing is lost over restarts of the loop: question and
/// answer are files, and this process only watches them.
package struct AskBlock: Sendable {
  package let data: DataDir
  package let clock: HostClock
  /// The net below the watch: how often to look anyway (`LOOOP_ASK_POLL_MS`).
  package var pollMilliseconds = 1000
  /// `LOOOP_ASK_TIMEOUT_S`; `nil` = never.
  package var timeoutSeconds: Double?

  package init(_ data: DataDir, clock: HostClock, pollMilliseconds: Int = 1000, timeoutSeconds: Double? = nil) {
    self.data = data
    self.clock = clock
    self.pollMilliseconds = max(10, pollMilliseconds)
    self.timeoutSeconds = timeoutSeconds
  }

  /// Writes the ask and blocks. The result is exactly what goes to stdout.
  package func ask(
    worker: String, prompt: String, reference: String? = nil, options: [String] = [], goal: String? = nil
  ) throws -> String {
    try Directory.create(data.answers)
    // Watched before the question exists: no answer can come in between.
    let watch = Self.watch([data.answers, data.asks])
    let asks = Asks(data)
    let record =
      try asks.orphan(worker: worker, prompt: prompt, reference: reference, options: options)
      ?? asks.create(
        worker: worker, prompt: prompt, now: clock.now, reference: reference, options: options, goal: goal,
        asker: ProcessIdentity.of(getpid()))
    let answer = try wait(for: record.id, watch)
    return steered(answer, worker: worker)
  }

  /// `nil` where the machine's limit of watches is reached: polling alone does it then.
  static func watch(_ directories: [FilePath]) -> FileWatch? {
    guard let watch = try? FileWatch() else { return nil }
    for directory in directories { _ = try? watch.add(directory) }
    return watch
  }

  private func wait(for ask: String, _ watch: borrowing FileWatch?) throws -> String {
    let deadline = timeoutSeconds.map { clock.monotonic() + $0 }
    while true {
      switch Answers(data).read(ask) {
      case .text(let text, _): return text
      case .corrupt:
        throw Refusal(
          .corrupt, "the answer to \(ask) is corrupt (answers/\(ask).json)",
          hint: "looop answer --force \(ask) TEXT repairs it; then ask again")
      case .absent, .unreadable: break
      }
      if case .absent = FileReading.of(data.ask(ask)) {
        throw Refusal(.vanished, "the ask \(ask) was deleted while it waited")
      }
      var milliseconds = pollMilliseconds
      if let deadline {
        let left = deadline - clock.monotonic()
        guard left > 0 else {
          throw Refusal(
            .timeout, "nobody answered \(ask) in time (LOOOP_ASK_TIMEOUT_S)",
            hint: "it still waits in the mailbox: looop answer \(ask) TEXT")
        }
        milliseconds = min(milliseconds, Int((left * 1000).rounded(.up)))
      }
      FileWatch.pause(watch, milliseconds: milliseconds)
    }
  }

  /// What the human told the worker meanwhile goes before the answer.
  private func steered(_ answer: String, worker: String) -> String {
    let tells = Tells(data).drain(worker, now: clock.now)
    guard !tells.isEmpty else { return answer }
    return "[steering from the human while you waited …]\n" + tells.map { "• \($0)\n" }.joined() + "---\n" + answer
  }
}
