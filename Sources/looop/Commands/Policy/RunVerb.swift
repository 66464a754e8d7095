import ArgumentParser
import Tenant

/// `run`: one reversible command, exactly as the loop's own `run_shell` runs it: deny-list, deadline, intent log, journal.
struct RunVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a command as the loop would.",
    discussion: "Options go before the command. One word is a script for bash; several are quoted each.")

  @Option(help: "Why, for the journal.") var reason: String?
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?
  @Argument(parsing: .captureForPassthrough, help: "The command.") var command: [String] = []

  mutating func perform(in context: Context) throws -> Int32 {
    if command == ["--help"] || command == ["-h"] { throw CleanExit.helpRequest(self) }
    let words = command.first == "--" ? Array(command.dropFirst()) : command
    let text = words.count == 1 ? words[0] : words.map(\.shellWord).joined(separator: " ")
    guard !text.trimmed.isEmpty else {
      throw Failure("the command is empty", hint: "looop run [--reason TEXT] COMMAND …")
    }
    try ManualMove.carryOut(.runShell(command: text, reason: reason), journal: journal, context)
    context.printer.line("run-shell · \(reason ?? text)")
    return ExitStatus.done
  }
}
