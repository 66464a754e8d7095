import ArgumentParser
import Glibc
import Tenant

/// `answer`: says yes, no, or anything else to an ask.
struct AnswerVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "answer", abstract: "Answer an ask; the first answer wins.",
    discussion: "The answer is the words after the id, or standard input (no words, or a lone `-`).")

  @Argument(help: "The ask (see `looop asks`).", completion: Completions.pendingAsks) var ask: String
  @Argument(help: "The answer.") var body: [String] = []
  @Flag(help: "Replace an answer that was given.") var force = false

  mutating func perform(in context: Context) throws -> Int32 {
    try Self.answer(context, ask: ask, words: body, force: force)
  }

  static func answer(_ context: Context, ask: String, words: [String], force: Bool) throws -> Int32 {
    Seeding.tolerant(context)
    let text = try BodyText.usesInput(words) ? BodyText.standardInput().trimmedEnd : words.joined(separator: " ")
    try Answers(context.data).give(
      ask, text, force: force, by: context.caller ?? context.environment["USER"] ?? "uid \(getuid())", via: "cli",
      now: context.clock.now)
    context.printer.event(.ok, "answer", "\(ask): \(text)", ["ask": .string(ask), "answer": .string(text)])
    return ExitStatus.done
  }
}
