import ArgumentParser
import Tenant

/// `looop config zsh|bash|fish|man`: what a shell wants to know of this program.
struct ConfigGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Print a completion script or the man page.",
    discussion: "eval \"$(looop config bash)\" in your shell's start-up file; ids of asks, goals, workers … are live.",
    subcommands: [ConfigBash.self, ConfigZsh.self, ConfigFish.self, ConfigMan.self])
}

struct ConfigBash: Verb {
  static let configuration = CommandConfiguration(commandName: "bash", abstract: "Completions for bash.")
  mutating func perform(in context: Context) throws -> Int32 {
    context.printer.line(Looop.completionScript(for: .bash))
    return ExitStatus.done
  }
}

struct ConfigZsh: Verb {
  static let configuration = CommandConfiguration(commandName: "zsh", abstract: "Completions for zsh.")
  mutating func perform(in context: Context) throws -> Int32 {
    context.printer.line(Looop.completionScript(for: .zsh))
    return ExitStatus.done
  }
}

struct ConfigFish: Verb {
  static let configuration = CommandConfiguration(commandName: "fish", abstract: "Completions for fish.")
  mutating func perform(in context: Context) throws -> Int32 {
    context.printer.line(Looop.completionScript(for: .fish))
    return ExitStatus.done
  }
}

struct ConfigMan: Verb {
  static let configuration = CommandConfiguration(
    commandName: "man", abstract: "The man page (roff): looop config man > looop.1")
  mutating func perform(in context: Context) throws -> Int32 {
    context.printer.write(ManPage.looop)
    return ExitStatus.done
  }
}

/// The man page, made from the same texts as `--help`, so that it cannot say something else.
enum ManPage {
  static var looop: String {
    var page = """
      .TH LOOOP 1 "" "looop \(Version.current)" "User Commands"
      .SH NAME
      looop \\- a control loop for LLM agents
      .SH SYNOPSIS
      .B looop
      [\\-\\-tenant NAME] VERB [ARGUMENTS]
      .SH MANUAL
      .nf

      """
    page += escaped(ManualText.whole(width: 78, context: nil))
    page += ".fi\n.SH VERBS IN DETAIL\n"
    for topic in Manual.topics() {
      let path = topic.split(separator: " ").map(String.init)
      guard let command = Manual.command(named: path), command.configuration.shouldDisplay,
        Manual.subcommands(of: command).isEmpty
      else { continue }
      page += ".SS looop \(topic)\n.nf\n"
      page += escaped(Looop.helpMessage(for: command, includeHidden: false, columns: 78)) + ".fi\n"
    }
    return page
  }

  private static func escaped(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let safe = line.map { $0 == "\\" ? "\\e" : $0 == "-" ? "\\-" : String($0) }.joined()
      return safe.hasPrefix(".") || safe.hasPrefix("'") ? "\\&" + safe : safe
    }.joined(separator: "\n") + "\n"
  }
}
