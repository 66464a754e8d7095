import ArgumentParser
import SystemPackage
import Tenant

/// `usage RUN`: what one decision used, folded anew from the raw events that it left on disk. A fleet asks for it when a beat ended
/// without settling.
struct UsageVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "usage", abstract: "Print what a run of the decider used, from its recorded events.")

  @Argument(help: "The run (a folder below runs/).") var run: String
  @Flag(help: "The only form there is.") var json = false

  mutating func perform(in context: Context) throws -> Int32 { try Self.show(context, run: run) }

  /// Shape: `{"run":…,"running":bool,"usage":RunUsage|null}`; `usage` is null where nothing was recorded.
  static func show(_ context: Context, run: String) throws -> Int32 {
    guard Identifier.isValid(run) else { throw Failure("invalid run \"\(run)\"") }
    let events = context.data.run(run).appending("events.ndjson")
    // A beat that still goes on has not said its last word.
    let isRunning = FileLock.isHeld(context.data.beatLock)
    context.printer.compact([
      "run": .string(run), "running": .bool(isRunning), "usage": usage(context, events)?.json ?? .null,
    ])
    return ExitStatus.done
  }

  private static func usage(_ context: Context, _ events: FilePath) -> RunUsage? {
    guard case .contents(let bytes) = FileReading.of(events, maximumBytes: 256 << 20) else { return nil }
    var command = "unknown"
    if case .value(let config) = RunnerConfig.read(context.data, context.environment) {
      command = config.tickCommand ?? command
    }
    var stream = RunnerStream(command: command, startedAt: context.clock.now)
    _ = stream.feed(bytes)
    _ = stream.finish()
    return stream.usage()
  }
}
