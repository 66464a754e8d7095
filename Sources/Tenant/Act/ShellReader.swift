/// Reads a shell text into its simple commands, wherever they hide: after `;`, `&&`, `|`, in subshells, substitutions, loops and
/// functions. It is no shell: it follows variables only where their value is written in the same text, and says so where it
/// cannot read on. Pure, and total on any input.
struct ShellReader {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private(set) var commands: [ShellCommand] = []
  /// Why the text cannot be read to its end; the shell would most likely refuse it too.
  private(set) var unreadable: String?
  private(set) var variables: [String: ShellWord]
  var directory: String?
  private var depth: Int
  private var bodies: [Int: String] = [:]
  private var pendingHeredocs: [(id: Int, delimiter: String, stripsTabs: Bool, isQuoted: Bool)] = []
  private var nextHeredoc = 0
  private var caseDepth = 0

  static let maximumDepth = 32
  static let maximumScalars = 1 << 18
  static let fetchers: Set<String> = ["curl", "wget", "fetch", "aria2c", "http", "https", "xh"]

  init(_ text: String, variables: [String: ShellWord] = [:], directory: String?, depth: Int = 0) {
    scalars = Array(text.unicodeScalars)
    self.variables = variables
    self.directory = directory
    self.depth = depth
  }

  mutating func read() {
    guard depth < Self.maximumDepth, scalars.count <= Self.maximumScalars else {
      unreadable = "it is too long or nested too deeply"
      return
    }
    list(closing: false)
    for index in commands.indices {
      for id in commands[index].heredocs { commands[index].input = (commands[index].input ?? "") + (bodies[id] ?? "") }
    }
  }

  private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }
  private func peek(_ offset: Int = 1) -> Unicode.Scalar? {
    position + offset < scalars.count ? scalars[position + offset] : nil
  }
  private mutating func fail(_ reason: String) {
    unreadable = unreadable ?? reason
    position = scalars.count
  }

  // MARK: lists

  /// Reads commands until the end, or until the `)` that closes a group.
  private mutating func list(closing: Bool) {
    var command = ShellCommand()
    var pipe = false
    while let scalar = current {
      switch scalar {
      case " ", "\t", "\r": position += 1
      case "\\" where peek() == "\n": position += 2
      case "#":
        while let next = current, next != "\n" { position += 1 }
      case "\n":
        position += 1
        end(&command, &pipe)
        readHeredocs()
      case ";":
        position += 1
        end(&command, &pipe)
      case "&":
        if peek() == ">" {
          position += 1
          redirect(&command)
        } else {
          position += peek() == "&" ? 2 : 1
          end(&command, &pipe)
        }
      case "|":
        let isOr = peek() == "|"
        position += isOr || peek() == "&" ? 2 : 1
        end(&command, &pipe)
        pipe = !isOr
      case "(":
        open(&command, &pipe)
      case ")":
        position += 1
        if caseDepth > 0 {
          // A pattern, not a command.
          command = ShellCommand()
          continue
        }
        end(&command, &pipe)
        if closing { return }
        fail("a ')' without its '('")
      case "<", ">":
        if peek() == "(" { word(into: &command) } else { redirect(&command) }
      default:
        word(into: &command)
        if command.words.isEmpty { continue }
        dropKeyword(&command)
      }
    }
    end(&command, &pipe)
    if closing { unreadable = unreadable ?? "a '(' without its ')'" }
  }

  private mutating func end(_ command: inout ShellCommand, _ pipe: inout Bool) {
    command.readsPipe = pipe
    pipe = false
    finish(command)
    command = ShellCommand()
  }

  /// `(`: a subshell, an arithmetic command, a function's `()`, or an array's value.
  private mutating func open(_ command: inout ShellCommand, _ pipe: inout Bool) {
    if command.words.isEmpty, peek() == "(" { return skipArithmetic() }
    if let last = command.words.last, last.text.hasSuffix("="), !last.isQuoted {
      position += 1
      while let scalar = current, scalar != ")" {
        skipWord()
      }
      position += 1
      let name = String(last.text.dropLast())
      variables[name] = ShellWord("$\(name)", isDynamic: true)
      command.words.removeLast()
      return
    }
    position += 1
    if command.words.count == 1, afterBlanks() == ")" {
      // A function: its body is read as if it ran here.
      while current != ")" { position += 1 }
      position += 1
      command = ShellCommand()
      return
    }
    guard command.words.isEmpty else { return fail("an unexpected '('") }
    let outside = directory
    nested { $0.list(closing: true) }
    directory = outside
  }

  private func afterBlanks() -> Unicode.Scalar? {
    var index = position
    while index < scalars.count, scalars[index] == " " { index += 1 }
    return index < scalars.count ? scalars[index] : nil
  }

  private mutating func nested(_ body: (inout ShellReader) -> Void) {
    guard depth < Self.maximumDepth else { return fail("it is nested too deeply") }
    depth += 1
    let cases = caseDepth
    caseDepth = 0
    body(&self)
    caseDepth = cases
    depth -= 1
  }

  /// Reserved words open or close a construct; what follows is again a command.
  private mutating func dropKeyword(_ command: inout ShellCommand) {
    guard command.words.count == 1, let word = command.words.first, !word.isQuoted else { return closeCase(&command) }
    switch word.text {
    case "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!", "{", "}", "time", "coproc":
      command.words.removeAll()
    case "esac":
      caseDepth = max(0, caseDepth - 1)
      command.words.removeAll()
    case "[[": skipCondition()
    default: break
    }
  }

  /// `case X in` and `for X in …`, `function name`.
  private mutating func closeCase(_ command: inout ShellCommand) {
    guard let first = command.words.first, !first.isQuoted else { return }
    switch (first.text, command.words.count) {
    case ("case", 3):
      caseDepth += 1
      command = ShellCommand()
    case ("for", 2), ("select", 2):
      let name = command.words[1].text
      variables[name] = ShellWord("$\(name)", isDynamic: true)
    case ("function", 2): command = ShellCommand()
    default: break
    }
  }

  /// `[[ … ]]`: a question, whose `<`, `>`, `&&` and `(` are not ours.
  private mutating func skipCondition() {
    while let scalar = current {
      if scalar == "]", peek() == "]" {
        position += 2
        return
      }
      skipWord()
    }
    fail("a '[[' without its ']]'")
  }

  /// One word, or one character where no word starts: never nothing.
  private mutating func skipWord() {
    let start = position
    _ = readWords()
    if position == start { position += 1 }
  }

  private mutating func skipArithmetic() {
    var open = 0
    while let scalar = current {
      position += 1
      if scalar == "(" { open += 1 }
      if scalar == ")" {
        open -= 1
        if open == 0 { return }
      }
    }
    fail("a '((' without its '))'")
  }

  // MARK: one command

  private mutating func word(into command: inout ShellCommand) {
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

  private static func assignment(_ word: ShellWord) -> (String, ShellWord)? {
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
  private mutating func assign(_ name: String, _ value: ShellWord) {
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

  private static let seeded: Set<String> = ["IFS"]

  private mutating func finish(_ command: ShellCommand) {
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

  private mutating func redirect(_ command: inout ShellCommand) {
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

  private mutating func readHeredocs() {
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
  private mutating func substitutions(in text: String) {
    guard text.contains("$(") || text.contains("`") else { return }
    var inner = ShellReader(
      "\"" + text.replacingUnescapedQuotes() + "\"", variables: variables, directory: directory, depth: depth + 1)
    inner.read()
    adopt(inner, excludingLast: true)
  }

  private mutating func adopt(_ inner: ShellReader, excludingLast: Bool = false) {
    commands += excludingLast ? inner.commands.dropLast() : inner.commands
    unreadable = unreadable ?? inner.unreadable
  }

  // MARK: words

  /// Reads one word; more than one where a known variable holds several.
  private mutating func readWords() -> [ShellWord] {
    var words: [ShellWord] = []
    var word = ShellWord()
    loop: while let scalar = current {
      switch scalar {
      case " ", "\t", "\n", "\r", ";", "&", "|", ")": break loop
      case "(":
        break loop
      case "<", ">":
        guard peek() == "(" else { break loop }
        position += 2
        substitution(&word)
      case "\\":
        position += 1
        guard let next = current else { break loop }
        position += 1
        if next != "\n" {
          word.text.unicodeScalars.append(next)
          word.isQuoted = true
        }
      case "'": singleQuoted(&word)
      case "\"": doubleQuoted(&word)
      case "`": backquoted(&word)
      case "$": dollar(&word, isQuoted: false, &words)
      default:
        if scalar == "*" || scalar == "?" || scalar == "[" { word.hasGlob = true }
        word.text.unicodeScalars.append(scalar)
        position += 1
      }
    }
    words.append(word)
    return words
  }

  private mutating func singleQuoted(_ word: inout ShellWord) {
    word.isQuoted = true
    position += 1
    while let scalar = current, scalar != "'" {
      word.text.unicodeScalars.append(scalar)
      position += 1
    }
    if current == nil { return fail("a quote without its end") }
    position += 1
  }

  private mutating func doubleQuoted(_ word: inout ShellWord) {
    word.isQuoted = true
    position += 1
    var unused: [ShellWord] = []
    while let scalar = current, scalar != "\"" {
      switch scalar {
      case "\\":
        position += 1
        guard let next = current else { break }
        position += 1
        if next == "\n" { continue }
        if !"$`\"\\".unicodeScalars.contains(next) { word.text.append("\\") }
        word.text.unicodeScalars.append(next)
      case "`": backquoted(&word)
      case "$": dollar(&word, isQuoted: true, &unused)
      default:
        word.text.unicodeScalars.append(scalar)
        position += 1
      }
    }
    if current == nil { return fail("a quote without its end") }
    position += 1
  }

  private mutating func backquoted(_ word: inout ShellWord) {
    position += 1
    var text = ""
    while let scalar = current, scalar != "`" {
      if scalar == "\\", let next = peek(), "`$\\".unicodeScalars.contains(next) {
        position += 1
        text.unicodeScalars.append(next)
      } else {
        text.unicodeScalars.append(scalar)
      }
      position += 1
    }
    if current == nil { return fail("a backquote without its end") }
    position += 1
    var inner = ShellReader(text, variables: variables, directory: directory, depth: depth + 1)
    inner.read()
    mark(&word, inner.commands[...])
    adopt(inner)
  }

  private mutating func dollar(_ word: inout ShellWord, isQuoted: Bool, _ words: inout [ShellWord]) {
    position += 1
    switch current {
    case "(" where peek() == "(":
      skipArithmetic()
      word.text += "$((…))"
      word.isDynamic = true
    case "(":
      position += 1
      substitution(&word)
    case "{": braced(&word, isQuoted: isQuoted, &words)
    case "'" where !isQuoted:
      // `$'…'`: its escapes could spell anything.
      let before = word.text
      singleQuoted(&word)
      if word.text.dropFirst(before.count).contains("\\") { word.isDynamic = true }
    case "\"" where !isQuoted: doubleQuoted(&word)
    case let scalar? where scalar == "_" || Self.isNameStart(scalar):
      var name = ""
      while let next = current, next == "_" || Self.isNameStart(next) || ("0"..."9").contains(next) {
        name.unicodeScalars.append(next)
        position += 1
      }
      expand(name, into: &word, isQuoted: isQuoted, &words)
    case let scalar? where "0123456789@*#?-$!".unicodeScalars.contains(scalar):
      position += 1
      word.text += "$\(Character(scalar))"
      word.isDynamic = true
    default: word.text += "$"
    }
  }

  private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }

  /// `${NAME}`, or one with operators, which only the run can work out.
  private mutating func braced(_ word: inout ShellWord, isQuoted: Bool, _ words: inout [ShellWord]) {
    position += 1
    var open = 1
    var text = ""
    while let scalar = current {
      if scalar == "{" { open += 1 }
      if scalar == "}" {
        open -= 1
        if open == 0 { break }
      }
      text.unicodeScalars.append(scalar)
      position += 1
    }
    if current == nil { return fail("a '${' without its '}'") }
    position += 1
    if text.allSatisfy({ $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }) {
      expand(text, into: &word, isQuoted: isQuoted, &words)
    } else {
      substitutions(in: text)
      word.text += "${\(text)}"
      word.isDynamic = true
    }
  }

  private mutating func expand(
    _ name: String, into word: inout ShellWord, isQuoted: Bool, _ words: inout [ShellWord]
  ) {
    guard let value = variables[name], !value.isDynamic else {
      word.text += "$\(name)"
      word.isDynamic = true
      if variables[name]?.fetches == true { word.fetches = true }
      return
    }
    guard !isQuoted else {
      word.text += value.text
      return
    }
    if value.text.contains(where: { "*?[".contains($0) }) { word.hasGlob = true }
    let parts = value.text.split(whereSeparator: \.isWhitespace)
    for (index, part) in parts.enumerated() {
      if index > 0 {
        words.append(word)
        word = ShellWord()
      }
      word.text += part
    }
  }

  /// `$(…)` and `<(…)`: its commands run; its text is unknown, but for a temporary file's name.
  private mutating func substitution(_ word: inout ShellWord) {
    let first = commands.count
    let outside = directory
    nested { $0.list(closing: true) }
    directory = outside
    mark(&word, commands[min(first, commands.count)...])
  }

  private func mark(_ word: inout ShellWord, _ inner: ArraySlice<ShellCommand>) {
    if inner.contains(where: { Self.fetchers.contains($0.words.first?.text ?? "") }) { word.fetches = true }
    if let only = inner.first, inner.count == 1, only.words.first?.text == "mktemp",
      only.words.dropFirst().allSatisfy({ !$0.isDynamic && !$0.text.contains("/") && !$0.text.hasPrefix("-p") })
    {
      word.text += "/tmp/mktemp"
      return
    }
    word.text += "$(…)"
    word.isDynamic = true
  }
}

extension String {
  /// Makes a text safe to stand between double quotes for the reader: its own quotes become blanks.
  fileprivate func replacingUnescapedQuotes() -> String { String(map { $0 == "\"" ? " " : $0 }) }
}
