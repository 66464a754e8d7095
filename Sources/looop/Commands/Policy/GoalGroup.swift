import ArgumentParser
import Tenant

/// `goal`: desired state, one document each.
struct GoalGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "goal", abstract: "State what should be true.", subcommands: [GoalWrite.self, GoalArchive.self])
}

struct GoalWrite: Verb {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Create or replace a goal.",
    discussion: "The body is the words after the id, or standard input (no words, or a lone `-`).", aliases: ["w"])

  @Argument(help: "The goal's name.", completion: Completions.goals) var id: String
  @Argument(help: "Its text (markdown).") var body: [String] = []
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  mutating func perform(in context: Context) throws -> Int32 {
    // A bad id must not wait for standard input.
    try Identifier.check(id, .goal)
    try ManualMove.carryOut(.writeGoal(id: id, body: BodyText.read(body)), journal: journal, context)
    context.printer.line("write-goal \(id)")
    return ExitStatus.done
  }
}

struct GoalArchive: Verb {
  static let configuration = CommandConfiguration(commandName: "archive", abstract: "Put a goal away; it is kept.")

  @Argument(help: "The goal's name.", completion: Completions.goals) var id: String
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try ManualMove.carryOut(.archiveGoal(id: id), journal: journal, context)
    context.printer.line("archive-goal \(id)")
    return ExitStatus.done
  }
}
