/// One simple command: its words, assignments, redirections and heredocs.
extension ShellReader {
  mutating func word(into command: inout ShellCommand) {
    let start = position
    let words = readWords()
    guard position > start else { return fail("an unexpected character") }
    if command.words.isEmpty, words.count == 1, let (name, value) = Self.assignment(words[0]) {
      assign(name, value)
      return
    }
    // `2>file`: the digits belong to the redirection.
    if words.count == 1, let text = words.first?.text, text.allSatisfy(\.isNumber), words[0].isQuoted == false,
      current == ">" || current == "<"
    {
      return
    }
    command.words += words
  }

  static func assignment(_ word: ShellWord) -> (String, ShellWord)? {
    guard let equals = word.text.firstIndex(of: "="), equals != word.text.startIndex else { return nil }
    var name = word.text[..<equals]
    if name.hasSuffix("+") { name = name.dropLast() }
    guard let first = name.first, first == "_" || (first.isLetter && first.isASCII),
      name.allSatisfy({ $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) })
    else { return nil }
    // `X=(…)` is an array; its value follows.
    if word.text.hasSuffix("="), word.text.index(after: equals) == word.text.endIndex, !word.isQuoted { return nil }
    var value = word
    value.text = String(word.text[word.text.index(after: equals)...])
    return (String(name), value)
  }

  /// A second, different value makes a variable unknown: which one holds depends on the run.
  mutating func assign(_ name: String, _ value: ShellWord) {
    if let old = variables[name], old.text != value.text || old.isDynamic, !Self.seeded.contains(name) {
      variables[name] = ShellWord("$\(name)", isDynamic: true)
    } else if value.isDynamic {
      var unknown = ShellWord("$\(name)", isDynamic: true)
      unknown.fetches = value.fetches
      variables[name] = unknown
    } else {
      variables[name] = value
    }
  }

  static let seeded: Set<String> = ["IFS"]

  mutating func finish(_ command: ShellCommand) {
    var command = command
    guard !command.isEmpty else { return }
    command.directory = directory
    let program = command.words.first?.text
    switch program {
    case "cd", "pushd":
      let target = command.words.dropFirst().first { !$0.text.hasPrefix("-") }
      directory = target.flatMap {
        $0.isDynamic || $0.text.hasPrefix("~") ? nil : LexicalPath.joined(directory, $0.text)
      }
    case "popd": directory = nil
    case "export", "local", "declare", "readonly", "typeset":
      for word in command.words.dropFirst() {
        if let (name, value) = Self.assignment(word) { assign(name, value) }
      }
    case "read", "mapfile", "readarray", "getopts", "unset", "printf":
      for word in command.words.dropFirst() where variables[word.text] != nil {
        variables[word.text] = ShellWord("$\(word.text)", isDynamic: true)
      }
    default: break
    }
    command.variables = variables
    for redirection in command.redirections where redirection.kind == "<<<" && !redirection.target.isDynamic {
      command.input = redirection.target.text
    }
    commands.append(command)
  }

  mutating func redirect(_ command: inout ShellCommand) {
    var kind = ""
    while let scalar = current, "<>&|".unicodeScalars.contains(scalar), kind.count < 3 {
      // `>&` and `>|` end an operator; a second redirection may follow at once.
      kind.unicodeScalars.append(scalar)
      position += 1
      if (kind == "<" || kind == ">" || kind == "<<"), current == "(" { break }
      if kind.hasSuffix("&") || kind.hasSuffix("|") || kind == ">>" { break }
    }
    let stripsTabs = kind == "<<" && current == "-"
    if stripsTabs { position += 1 }
    while current == " " || current == "\t" { position += 1 }
    let target = readWords().first ?? ShellWord()
    if kind == "<<" {
      pendingHeredocs.append((nextHeredoc, target.text, stripsTabs, target.isQuoted))
      command.heredocs.append(nextHeredoc)
      nextHeredoc += 1
      return
    }
    command.redirections.append(.init(kind: kind, target: target))
  }

  mutating func readHeredocs() {
    let pending = pendingHeredocs
    pendingHeredocs = []
    for heredoc in pending {
      var body = ""
      var isClosed = false
      while position < scalars.count, !isClosed {
        var line = ""
        while let scalar = current, scalar != "\n" {
          line.unicodeScalars.append(scalar)
          position += 1
        }
        position += 1
        let bare = heredoc.stripsTabs ? String(line.drop { $0 == "\t" }) : line
        if bare == heredoc.delimiter { isClosed = true } else { body += bare + "\n" }
      }
      position = min(position, scalars.count)
      bodies[heredoc.id] = body
      if !heredoc.isQuoted { substitutions(in: body) }
    }
  }

  /// The commands that a text in double quotes, a heredoc or a `${…}` would run.
  mutating func substitutions(in text: String) {
    guard text.contains("$(") || text.contains("`") else { return }
    var inner = ShellReader(
      "\"" + text.replacingUnescapedQuotes() + "\"", variables: variables, directory: directory, depth: depth + 1)
    inner.read()
    adopt(inner, excludingLast: true)
  }

  mutating func adopt(_ inner: ShellReader, excludingLast: Bool = false) {
    commands += excludingLast ? inner.commands.dropLast() : inner.commands
    unreadable = unreadable ?? inner.unreadable
  }
}

extension String {
  /// Makes a text safe to stand between double quotes for the reader: its own quotes become blanks.
  fileprivate func replacingUnescapedQuotes() -> String { String(map { $0 == "\"" ? " " : $0 }) }
}
