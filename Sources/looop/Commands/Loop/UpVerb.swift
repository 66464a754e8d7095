import ArgumentParser
import Glibc
import SystemPackage
import Tenant

/// `up`: starts the pulse as a detached session.
struct UpVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start the loop, detached.",
    discussion: "Its log: looop watch pulse. Stop it with looop down.")

  @Flag(help: "The pulse logs JSON, one object a line.") var json = false

  /// How long the new pulse may take until it is seen alive.
  static let patience = 5.0

  mutating func perform(in context: Context) throws -> Int32 {
    try FleetMark.refuse(context, verb: "up")
    guard RunnerConfig.read(context.config) != .absent else {
      throw Failure("not initialized — run `looop init` first.")
    }
    try RunnerPreflight.check(context)
    try Directory.create(context.data.lockDirectory)
    // Two concurrent `up`s: one after the other, and the second finds the first one's pulse.
    let lease = try FileLock(waitingFor: context.data.lockDirectory.appending(".dirlock"))
    defer { _ = lease.descriptor.raw }
    let sessions = try Sessions.list(context.data)
    if let pulse = sessions.first(where: \.isPulse) {
      if pulse.isAlive {
        context.printer.line("looop: pulse already running")
        return ExitStatus.done
      }
      try Directory.removeTree(context.data.session(Session.pulse))
    }
    if FileLock.isHeld(context.data.pulseLock) {
      throw Failure(
        "a pulse runs already\(Self.foreignPid(context.data)), and not as a session of `up`",
        hint: "end it where it was started")
    }
    let format = json ? LogFormat.json : .human
    var environment = context.environment
    environment["LOOOP_LOG_FORMAT"] = format.rawValue
    // The pulse is nobody's worker.
    environment["LOOOP_SESSION_ID"] = nil
    environment["BABYSIT_SESSION_ID"] = nil
    let command = (json ? ["env", "LOOOP_LOG_FORMAT=json"] : []) + [context.binary.string, "pulse"]
    try SessionStart(context.data, binary: context.binary, environment: environment)
      .start(Session.pulse, command: command)
    return try confirm(context)
  }

  /// A pulse that dies at once (a broken config) must not be reported as started.
  private func confirm(_ context: Context) throws -> Int32 {
    let end = context.clock.monotonic() + Self.patience
    while context.clock.monotonic() < end {
      if FileLock.isHeld(context.data.pulseLock), Sessions.isAlive(Session.pulse, in: context.data) {
        context.printer.line("looop: pulse started\(json ? " [json]" : "")")
        return ExitStatus.done
      }
      if let session = Sessions.find(Session.pulse, in: context.data), !session.isAlive { break }
      usleep(10_000)
    }
    let log = FileReading.of(context.data.session(Session.pulse).appending("output.log")).text ?? ""
    let tail = log.split(whereSeparator: \.isNewline).suffix(5).map { "  " + TextWidth.plain(String($0)) }
    throw Failure(
      "the pulse was not seen alive" + (tail.isEmpty ? "" : "; it said:\n" + tail.joined(separator: "\n")),
      hint: "looop screenshot pulse shows what it did")
  }

  static func foreignPid(_ data: DataDir) -> String {
    guard let text = FileReading.of(data.pulsePid, maximumBytes: 64).text?.trimmed, let pid = Int32(text) else {
      return ""
    }
    return " (pid \(pid))"
  }
}
