import ArgumentParser
import Glibc
import Tenant

/// `help`, `--help`, `--version`: what is asked before there is a verb.
enum Manual {
  /// `nil` where the command line is no question of this kind.
  static func answer(_ arguments: [String]) throws -> Int32? {
    let printer = Printer(format: .human, environment: HostEnvironment.current())
    switch arguments.first {
    case "help" where arguments.count == 1, "--help", "-h":
      printer.line(ManualText.whole(width: min(printer.width, 100), context: try? Context.current()))
    case "help":
      let topic = Array(arguments.dropFirst())
      if topic == ["--help"] || topic == ["-h"] {
        printer.line("USAGE: looop help [<topic> …]\n\nThe manual, or the help of one verb.")
        break
      }
      guard let command = command(named: topic) else {
        throw Failure(
          "no help on \"\(topic.joined(separator: " "))\"", hint: "topics: \(topics().joined(separator: ", "))")
      }
      printer.line(Looop.helpMessage(for: command, columns: min(printer.width, 100)))
    case "--version", "-V":
      printer.line("looop \(Version.current)")
    default: return nil
    }
    return ExitStatus.done
  }

  /// Follows names and aliases down the command tree.
  static func command(named path: [String]) -> (any ParsableCommand.Type)? {
    var current: any ParsableCommand.Type = Looop.self
    for name in path {
      let next = subcommands(of: current).first {
        $0._commandName == name || $0.configuration.aliases.contains(name)
      }
      guard let next else { return nil }
      current = next
    }
    return path.isEmpty ? nil : current
  }

  static func subcommands(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
    command.configuration.subcommands
  }

  static func names(of command: any ParsableCommand.Type) -> [String] {
    subcommands(of: command).filter { $0.configuration.shouldDisplay }.map { $0._commandName }
  }

  /// Every verb as it is typed: `goal write`.
  static func topics() -> [String] {
    func walk(_ command: any ParsableCommand.Type, _ prefix: [String]) -> [String] {
      let path = prefix + [command._commandName]
      guard command.configuration.shouldDisplay else { return [] }
      return [path.joined(separator: " ")] + subcommands(of: command).flatMap { walk($0, path) }
    }
    return subcommands(of: Looop.self).flatMap { walk($0, []) }
  }

  /// How the verb of a command line is spelled: as much of it as names a command.
  static func spelling(of arguments: [String]) -> String {
    var path: [String] = []
    for word in arguments {
      guard command(named: path + [word]) != nil else { break }
      path.append(word)
    }
    return (["looop"] + path).joined(separator: " ")
  }
}
