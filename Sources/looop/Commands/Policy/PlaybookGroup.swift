import ArgumentParser
import Tenant

/// `playbook`: your judgment, priorities, guardrails.
struct PlaybookGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "playbook", abstract: "Say how to judge.", subcommands: [PlaybookWrite.self])
}

struct PlaybookWrite: Verb {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Replace the PLAYBOOK; the old one is kept in playbook.d/.",
    discussion: "The body is the words, or standard input (no words, or a lone `-`).", aliases: ["w"])

  @Argument(help: "Its text (markdown).") var body: [String] = []
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try ManualMove.carryOut(.writePlaybook(body: BodyText.read(body)), journal: journal, context)
    context.printer.line("write-playbook")
    return ExitStatus.done
  }
}
