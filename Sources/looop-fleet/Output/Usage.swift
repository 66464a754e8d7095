import ArgumentParser
import Fleet

/// What a command line that is used wrongly is told: which of its words is the mistake, and where to read on.
enum Usage {
  static func refusal(_ message: String, _ words: [String]) -> (message: String, hint: String) {
    var command: any ParsableCommand.Type = LooopFleet.self
    var spelling = "looop-fleet"
    for word in words {
      let known = command.configuration.subcommands
      guard let next = known.first(where: { $0._commandName == word || $0.configuration.aliases.contains(word) }) else {
        // The parser only sees an argument too many.
        guard !word.hasPrefix("-"), !known.isEmpty, command.configuration.defaultSubcommand == nil else { break }
        let names = known.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
        return ("there is no `\(spelling) \(Display.line(word))`", "\(spelling) \(names.joined(separator: " | "))")
      }
      command = next
      spelling += " \(word)"
    }
    return (
      Display.line(message.prefix(1).lowercased() + message.dropFirst()), "`\(spelling) --help` shows what it takes"
    )
  }
}
