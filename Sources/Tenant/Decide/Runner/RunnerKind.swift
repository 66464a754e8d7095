/// Which event stream a tick command speaks, and what its command line says of itself.
package enum RunnerKind: String, Sendable, CaseIterable {
  case claude, codex, opencode, pi, rules
  /// Anything else: its lines are plain text, unless they turn out to be one of the streams above.
  case plain

  /// The label of a command: its first word that is neither `NAME=value` nor `env`.
  package static func label(_ command: String) -> String {
    for word in command.split(whereSeparator: \.isWhitespace) {
      if word == "env" || isAssignment(word) { continue }
      return String(word)
    }
    return "runner"
  }

  package static func of(_ command: String) -> RunnerKind {
    let name = label(command).split(separator: "/").last.map(String.init) ?? ""
    return RunnerKind(rawValue: name.trimmed(of: "\"'")) ?? .plain
  }

  /// Whose account a command uses: the agent's name however it is called, else the command's own word.
  package static func account(_ command: String) -> String {
    let kind = of(command)
    switch kind {
    case .claude, .codex, .opencode, .pi: return kind.rawValue
    case .rules, .plain:
      // A command that only calls itself `rules` is somebody's program.
      let name = label(command)
      return name == RunnerKind.rules.rawValue && !isRules(command) ? "command" : name
    }
  }

  /// The embedded decider: the command is the one word `rules`.
  package static func isRules(_ command: String) -> Bool {
    command.split(whereSeparator: \.isWhitespace).elementsEqual(["rules"])
  }

  /// What follows `--model` or `-m`: the streams of codex and opencode name no model.
  package static func model(_ command: String) -> String? {
    let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
    for (index, word) in words.enumerated() {
      for flag in ["--model", "-m"] {
        if word == flag, index + 1 < words.count { return words[index + 1].trimmed(of: "\"'") }
        if word.hasPrefix(flag + "=") { return String(word.dropFirst(flag.count + 1)).trimmed(of: "\"'") }
      }
    }
    return nil
  }

  private static func isAssignment(_ word: Substring) -> Bool {
    guard let equals = word.firstIndex(of: "="), let first = word.unicodeScalars.first,
      first == "_" || first.properties.isAlphabetic
    else { return false }
    return word[..<equals].utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
        || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
    }
  }
}

extension String {
  func trimmed(of characters: String) -> String {
    var text = self[...]
    while let first = text.first, characters.contains(first) { text.removeFirst() }
    while let last = text.last, characters.contains(last) { text.removeLast() }
    return String(text)
  }

  /// Without white space at either end.
  var trimmedSpace: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
