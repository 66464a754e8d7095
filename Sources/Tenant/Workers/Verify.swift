import Glibc
import SystemPackage

/// The obligation that a worker's result be checked: `verify/<id>.cmd` is a shell text, run once after the worker ended;
/// `verify/<id>.json` is its verdict.
package struct Verify: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  /// Shape on disk: `{"ok":bool,"exit_code":int|null,"output":tail,"ts":unix}`, compact.
  package struct Verdict: Hashable, Sendable {
    package var passed: Bool
    package var exitCode: Int64?
    package var output: String
    package var ts: Int64
  }

  /// `LOOOP_VERIFY_TIMEOUT_SECS` and `LOOOP_VERIFY_BEAT_BUDGET_SECS`; 0 = none.
  package struct Limits: Hashable, Sendable {
    package var timeoutSeconds: Double = 60
    package var beatBudgetSeconds: Double = 120

    package init(timeoutSeconds: Double = 60, beatBudgetSeconds: Double = 120) {
      self.timeoutSeconds = timeoutSeconds
      self.beatBudgetSeconds = beatBudgetSeconds
    }
  }

  package static let keepOutput = 2048

  private func command(_ id: String) -> FilePath { data.verify.appending("\(id).cmd") }
  private func verdictPath(_ id: String) -> FilePath { data.verify.appending("\(id).json") }

  /// Stores what to run; the empty command is no obligation.
  package func store(_ id: String, command text: String?) throws(HostError) {
    guard let text, text.contains(where: { !$0.isWhitespace }) else { return }
    try Directory.create(data.verify)
    try AtomicFile.write(text, to: command(id))
  }

  package func clear(_ id: String) {
    AtomicFile.remove(command(id))
    AtomicFile.remove(verdictPath(id))
  }

  package func verdict(_ id: String) -> Verdict? {
    guard let json = StateFile.read(verdictPath(id)).value, let passed = json["ok"]?.bool else { return nil }
    return Verdict(
      passed: passed, exitCode: json["exit_code"]?.int, output: json["output"]?.string ?? "", ts: json["ts"]?.int ?? 0)
  }

  /// What one pass did, for the log.
  package enum Event: Hashable, Sendable {
    /// The command is shown with control characters as spaces, at most 256 characters.
    case verified(id: String, passed: Bool, command: String)
    case deferred(id: String)
    case skipped(String)
  }

  /// Runs what is due: an obligation without a verdict whose session is over. `sessions` is `nil` where the fleet cannot be
  /// read: then all are put off.
  package func runDue(
    sessions: [Session]?, environment: HostEnvironment, limits: Limits = Limits(), clock: HostClock
  ) -> [Event] {
    // No directory, no obligations; an unlistable one is put off like an unreadable fleet.
    guard let ids = try? Directory.stems(data.verify, extension: "cmd"), !ids.isEmpty else { return [] }
    guard let sessions else { return [.skipped("the sessions cannot be read")] }
    let started = clock.monotonic()
    var events: [Event] = []
    for id in ids where StateFile.read(verdictPath(id)) == .absent {
      guard let session = sessions.first(where: { $0.id == id }) else {
        // The session's directory is gone: so is the obligation. One that is just being launched has its record.
        if !isBeingLaunched(id, now: clock.now) { clear(id) }
        continue
      }
      guard session.isCorpse, !isBeingLaunched(id, now: clock.now) else { continue }
      if limits.beatBudgetSeconds > 0, clock.monotonic() - started >= limits.beatBudgetSeconds {
        events.append(.deferred(id: id))
        continue
      }
      if let event = run(id, environment: environment, limits: limits, clock: clock) { events.append(event) }
    }
    return events
  }

  /// Between storing the obligation and the session's birth a worker is neither there nor gone.
  private func isBeingLaunched(_ id: String, now: Int64) -> Bool {
    guard let record = WorkerRecords(data).read(id).record else { return false }
    switch record.phase {
    case .pending: return true
    case .starting: return now - (record.startedAt ?? record.requestedAt) < WorkerRecords.launchGrace
    case .running, .exited, .failed: return false
    }
  }

  private func run(_ id: String, environment: HostEnvironment, limits: Limits, clock: HostClock) -> Event? {
    let text: String
    switch FileReading.of(command(id)) {
    case .absent: return nil
    case .unreadable(let error):
      record(Verdict(passed: false, exitCode: nil, output: error.description, ts: clock.now), id)
      return .verified(id: id, passed: false, command: "(unreadable)")
    case .contents(let bytes): text = String(decoding: bytes, as: UTF8.self)
    }
    var run = BoundedRun(
      .shell(text, environment: environment, directory: data.root), deadline: limits.timeoutSeconds, keepOutput: 0)
    run.mergeErrors = true
    run.reapGroup = true
    var tail: [UInt8] = []
    let outcome = run.run { chunk in
      tail.append(contentsOf: chunk)
      if tail.count > Self.keepOutput { tail.removeFirst(tail.count - Self.keepOutput) }
    }
    let code: Int64? = if case .code(let number) = outcome.reason { Int64(number) } else { nil }
    var output = String(decoding: tail, as: UTF8.self)
    switch outcome.reason {
    case .code: break
    case .timedOut: output += "\n(timed out after \(Int(limits.timeoutSeconds)) s)"
    case .signal(let number): output += "\n(killed by signal \(number))"
    case .failedToStart(let error): output += error.description
    }
    record(Verdict(passed: outcome.reason.succeeded, exitCode: code, output: output, ts: clock.now), id)
    return .verified(id: id, passed: outcome.reason.succeeded, command: Self.shown(text))
  }

  private func record(_ verdict: Verdict, _ id: String) {
    let json: JSON = [
      "ok": .bool(verdict.passed), "exit_code": .optional(verdict.exitCode), "output": .string(verdict.output),
      "ts": .int(verdict.ts),
    ]
    // A verdict that cannot be written is tried again at the next beat: the obligation stays.
    try? AtomicFile.write(json.compact + "\n", to: verdictPath(id))
  }

  static func shown(_ command: String) -> String {
    String(
      String.UnicodeScalarView(
        command.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }.prefix(256)))
  }
}
