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

  @Flag(help: "Print what came of it as JSON, also where it is a refusal.") var json = false
  @Option(help: ArgumentHelp("Who answers, where somebody relays it.", visibility: .hidden)) var by: String?
  @Option(help: ArgumentHelp("Through what it came.", visibility: .hidden)) var via: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try Self.answer(context, ask: ask, words: body, force: force, json: json, by: by, via: via)
  }

  static func answer(
    _ context: Context, ask: String, words: [String], force: Bool, json: Bool = false, by: String? = nil,
    via: String? = nil
  ) throws -> Int32 {
    if let refusal = GateAnswer.refusal(ask, in: context.environment) { throw refusal }
    Seeding.tolerant(context)
    let text = try BodyText.usesInput(words) ? BodyText.standardInput().trimmedEnd : words.joined(separator: " ")
    do {
      try Answers(context.data).give(
        ask, text, force: force, by: by ?? context.caller ?? context.environment["USER"] ?? "uid \(getuid())",
        via: via ?? "cli", now: context.clock.now)
    } catch let refusal as Refusal where json {
      // A relay needs the class of the refusal; the exit status stays the contract's for everybody else.
      context.printer.compact([
        "ok": false, "code": .string(refusal.code.rawValue), "message": .string(refusal.description),
        "hint": .optional(refusal.hint),
      ])
      return ExitStatus.done
    }
    if json {
      context.printer.compact(["ok": true, "ask": .string(ask)])
    } else {
      context.printer.event(.ok, "answer", "\(ask): \(text)", ["ask": .string(ask), "answer": .string(text)])
    }
    return ExitStatus.done
  }
}
