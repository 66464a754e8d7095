import ArgumentParser
import Tenant

/// `tell`: steers a running worker without waiting for it.
struct TellVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "tell", abstract: "Queue a message for a live worker.",
    discussion: "All that follows the worker's name is the message, leading dashes too.")

  @Argument(help: "The worker.", completion: Completions.workers) var worker: String
  @Argument(parsing: .captureForPassthrough, help: "The message.") var message: [String] = []

  mutating func perform(in context: Context) throws -> Int32 {
    if message == ["--help"] || message == ["-h"] { throw CleanExit.helpRequest(self) }
    let words = message.first == "--" ? message.dropFirst() : message[...]
    let text = words.joined(separator: " ").trimmed
    guard !text.isEmpty else { throw Failure("the message is empty", hint: "looop tell WORKER TEXT") }
    let sessions: [Session]
    do {
      sessions = try Sessions.list(context.data)
    } catch {
      throw Failure("cannot tell which workers live: \(error)")
    }
    guard sessions.contains(where: { $0.id == worker && $0.isAlive && !$0.isPulse }) else {
      throw Failure("no live worker \"\(worker)\"", hint: "looop worker list shows who lives")
    }
    try Tells(context.data).queue(text, for: worker, now: context.clock.now)
    context.printer.event(.ok, "tell", "queued for \(worker): \(text)", ["worker": .string(worker)])
    return ExitStatus.done
  }
}

/// `told`: the worker's side; takes what was queued.
struct ToldVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "told", abstract: "Print and take the messages queued for a worker.")

  @Argument(help: "The worker (default: $LOOOP_SESSION_ID).", completion: Completions.workers) var worker: String?

  mutating func perform(in context: Context) throws -> Int32 { try Self.take(context, worker: worker) }

  static func take(_ context: Context, worker: String?) throws -> Int32 {
    guard let worker = worker ?? context.caller else {
      throw Failure("whose messages?", hint: "name the worker: looop told WORKER (LOOOP_SESSION_ID is not set)")
    }
    try Identifier.check(worker, .worker)
    let keep = context.number("LOOOP_TELLS_CONSUMED_KEEP_SECS").map(Int64.init) ?? Tells.keepConsumed
    let messages = Tells(context.data).drain(worker, now: context.clock.now, keepSeconds: keep)
    context.printer.write(messages.map { "• \($0)\n" }.joined())
    return ExitStatus.done
  }
}
