import ArgumentParser
import Tenant

/// `state`: everything about the loop at a glance.
struct StateVerb: Verb {
  static let configuration = CommandConfiguration(commandName: "state", abstract: "Show the loop at a glance.")

  @Flag(help: "One JSON object.") var json = false

  mutating func perform(in context: Context) throws -> Int32 { try Self.show(context, json: json) }

  static func show(_ context: Context, json: Bool) throws -> Int32 {
    Seeding.tolerant(context)
    let view = StateView.read(context.data)
    for problem in view.problems { context.printer.warn("state.problem", problem) }
    if json {
      context.printer.json { view.write(to: &$0) }
    } else {
      context.printer.line(StateTable.lines(view, context).joined(separator: "\n"))
    }
    return ExitStatus.done
  }
}

/// `wait`: blocks until something happened.
struct WaitVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Block until something happens; exit 2 where no pulse runs.",
    discussion: """
      A pending ask is news at once. With --after TOKEN (the token of the last wake) only what is newer is, so a caller
      that waits again does not spin.
      """)

  @Flag(help: "One JSON object.") var json = false
  @Flag(help: "Only asks count.") var onlyAsks = false
  @Flag(help: "Only asks and the journal count.") var actionable = false
  @Option(help: "The token of the last wake.") var after: String?

  mutating func perform(in context: Context) throws -> Int32 {
    Seeding.tolerant(context)
    let filter: Wait.Filter = onlyAsks ? .onlyAsks : actionable ? .actionable : .any
    let outcome = try Wait(
      context.data, filter: filter, pollMilliseconds: context.number("LOOOP_WAIT_POLL_MS") ?? 1000
    ).run(after: after)
    let view = StateView.read(context.data)
    if json {
      context.printer.json { view.write(to: &$0, changed: outcome.changed, token: outcome.token) }
    } else {
      let lines = ["changed: \(outcome.changed.joined(separator: ", "))", "token: \(outcome.token)"]
      context.printer.line((lines + StateTable.lines(view, context)).joined(separator: "\n"))
    }
    return outcome.isPulseDown ? ExitStatus.pulseDown : ExitStatus.done
  }
}
