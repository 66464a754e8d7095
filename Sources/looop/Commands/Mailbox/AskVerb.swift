import ArgumentParser
import Tenant

/// `ask`: a worker's question to a human; blocks until the answer is there and prints only that.
struct AskVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Ask a human, block, and print the answer.",
    discussion: "answer=$(looop ask --prompt \"merge?\" --options yes,no)")

  @Argument(help: "Who asks (default: $LOOOP_SESSION_ID).", completion: Completions.workers) var worker: String?
  @Option(help: "The question.") var prompt: String
  @Option(help: "A file or address to look at.") var ref: String?
  @Option(help: "Suggested answers, separated by commas; may be given again.") var options: [String] = []

  mutating func perform(in context: Context) throws -> Int32 {
    try Self.ask(context, worker: worker, prompt: prompt, reference: ref, options: options)
  }

  static func ask(
    _ context: Context, worker: String?, prompt: String, reference: String?, options: [String]
  ) throws -> Int32 {
    guard let worker = worker ?? context.caller else {
      throw Failure("who asks?", hint: "name the worker: looop ask WORKER --prompt TEXT (LOOOP_SESSION_ID is not set)")
    }
    Seeding.tolerant(context)
    let offered = options.flatMap { $0.split(separator: ",") }.map { String($0).trimmed }.filter { !$0.isEmpty }
    let block = AskBlock(
      context.data, clock: context.clock, pollMilliseconds: context.number("LOOOP_ASK_POLL_MS") ?? 1000,
      timeoutSeconds: context.number("LOOOP_ASK_TIMEOUT_S").map(Double.init))
    let record = WorkerRecords(context.data).read(worker).record
    context.printer.line(
      try block.ask(
        worker: worker, prompt: prompt, reference: reference, options: offered, goal: record?.goal))
    return ExitStatus.done
  }
}
