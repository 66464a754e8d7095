import ArgumentParser
import Glibc
import Tenant

/// `pulse`: the loop in the foreground; `up` runs it as a session.
struct PulseVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "pulse", abstract: "Run the loop in the foreground.", shouldDisplay: false)

  mutating func perform(in context: Context) throws -> Int32 {
    try FleetMark.refuse(context, verb: "pulse")
    try RunnerPreflight.check(context)
    // Whoever reads the log may go; the loop stays.
    signal(SIGPIPE, SIG_IGN)
    let printer = context.printer
    try Pulse(context.loop { printer.event($0.level, $0.code, $0.message, $0.fields) }).run()
    return ExitStatus.done
  }
}

/// `beat`: sense, decide, act once.
struct BeatVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "beat", abstract: "One beat: sense, decide, act.",
    discussion: "Exit 0 also where nothing was to be done; 1 where the beat failed or somebody else runs this loop.")

  @Flag(help: "Decide even if nothing changed.") var force = false
  @Flag(help: .hidden) var door = false

  mutating func perform(in context: Context) throws -> Int32 { try Self.beat(context, force: force, door: door) }

  static func beat(_ context: Context, force: Bool, door: Bool) throws -> Int32 {
    let printer = context.printer
    if door {
      // stdout is the fleet's: what is worth a word goes to stderr.
      signal(SIGPIPE, SIG_IGN)
      run(context) { notice in
        if notice.level == .warn || notice.level == .error { printer.notice(notice) }
      }.throughDoor(force: force)
      return ExitStatus.done
    }
    let beat = try run(context) { printer.event($0.level, $0.code, $0.message, $0.fields) }.alone(force: force)
    printer.event(
      beat.outcome == .failed ? .error : .ok, "beat", "\(words(beat)) (\(Int(beat.durationMS.rounded())) ms)",
      ["beat": beat.json])
    return beat.outcome == .failed ? ExitStatus.failure : ExitStatus.done
  }

  /// Outcome, action, reason; the automatic journal line of a noop begins with both others.
  static func words(_ beat: TenantReport.Beat) -> String {
    let outcome = beat.outcome.rawValue
    let action = beat.action == outcome ? nil : beat.action
    let reason = beat.reason.map { $0.hasPrefix("\(outcome) · ") ? String($0.dropFirst(outcome.count + 3)) : $0 }
    return [outcome, action, reason].compactMap { $0 }.joined(separator: " · ")
  }

  static func run(_ context: Context, log: @escaping (Notice) -> Void) -> BeatRun {
    BeatRun(context.loop(log: log))
  }
}
