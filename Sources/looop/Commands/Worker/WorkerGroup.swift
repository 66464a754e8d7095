import ArgumentParser
import SystemPackage
import Tenant

/// `worker`: the agents that do the work.
struct WorkerGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Start, list and end workers.",
    subcommands: [WorkerStart.self, WorkerKillVerb.self, WorkerList.self, WorkerLaunchVerb.self, WorkerRefuse.self],
    aliases: ["w"])
}

struct WorkerStart: Verb {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start a worker, or wish for one in a fleet.",
    discussion: "The prompt is the words after the id, or standard input (no words, or a lone `-`).")

  @Argument(help: "The worker's id.") var id: String
  @Argument(help: "What it should do.") var prompt: [String] = []
  @Option(help: "Run this instead of the configured command; it must hold {{prompt_file}}.") var command: String?
  @Option(help: "A command that says, once the worker ended, whether the work is there.") var verify: String?
  @Option(help: "The goal it works for.", completion: Completions.goals) var goal: String?
  @Option(help: "In a fleet: the repository of its sandbox.") var repo: String?
  @Option(help: "In a fleet: what its branch starts from.") var base: String?
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try Identifier.check(id, .worker)
    let text = try BodyText.read(prompt)
    guard !text.trimmed.isEmpty else { throw Failure("the prompt is empty", hint: "looop worker start ID TEXT") }
    try Seeding.strict(context)
    if command == nil { try RunnerPreflight.check(context) }
    let wish = WorkerWish(
      id: id, prompt: text, command: command, verify: verify, goal: goal, repo: repo, base: base)
    let executed: Executed
    do {
      executed = try ManualMove.carryOut(.startWorker(wish), journal: journal, context)
    } catch {
      context.printer.error("start-session: \(error)")
      throw error
    }
    let pending = WorkerRecords(context.data).read(id).record?.phase == .pending
    context.printer.line(
      "start-worker \(id)" + (command == nil ? "" : " (command override)")
        + (pending ? " (pending: the fleet starts it)" : ""))
    _ = executed
    return ExitStatus.done
  }
}

struct WorkerKillVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "End a worker, or withdraw a wish for one.")

  @Argument(help: "The worker.", completion: Completions.workers) var id: String
  @Option(help: "Why, for its record.") var reason: String?

  mutating func perform(in context: Context) throws -> Int32 { try Self.kill(context, id, reason: reason) }

  static func kill(_ context: Context, _ id: String, reason: String? = nil) throws -> Int32 {
    let killed = try WorkerKill(context.data).kill(id, reason: reason, now: context.clock.now)
    context.printer.line("killed \(killed)")
    return ExitStatus.done
  }
}

/// `kill ID` is `worker kill ID`: what a worker calls to end itself.
struct KillVerb: Verb {
  static let configuration = CommandConfiguration(commandName: "kill", abstract: "End a worker (also: worker kill).")

  @Argument(help: "The worker.", completion: Completions.workers) var id: String

  mutating func perform(in context: Context) throws -> Int32 { try WorkerKillVerb.kill(context, id) }
}

struct WorkerRefuse: Verb {
  static let configuration = CommandConfiguration(
    commandName: "refuse", abstract: "Mark a pending worker as failed (called by the fleet).",
    shouldDisplay: false)

  @Argument(help: "The worker.") var id: String
  @Option(help: "Why.") var reason: String
  @Flag(help: "Print the outcome as JSON.") var json = false

  mutating func perform(in context: Context) throws -> Int32 {
    try WorkersHere.launcher(context).refuse(id, reason: reason)
    context.printer.line(json ? JSON.object(["id": .string(id), "phase": "failed"]).compact : "refuse-worker \(id)")
    return ExitStatus.done
  }
}
