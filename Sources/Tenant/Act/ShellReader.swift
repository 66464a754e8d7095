/// Reads a shell text into its simple commands, wherever they hide: after `;`, `&&`, `|`, in subshells, substitutions, loops and
/// functions. It is no shell: it follows variables only where their value is written in the same text, and says so where it
/// cannot read on. Pure, and total on any input.
struct ShellReader {
  let scalars: [Unicode.Scalar]
  var position = 0
  var commands: [ShellCommand] = []
  /// Why the text cannot be read to its end; the shell would most likely refuse it too.
  var unreadable: String?
  var variables: [String: ShellWord]
  var directory: String?
  var depth: Int
  var bodies: [Int: String] = [:]
  var pendingHeredocs: [(id: Int, delimiter: String, stripsTabs: Bool, isQuoted: Bool)] = []
  var nextHeredoc = 0
  var caseDepth = 0

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

  var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }
  func peek(_ offset: Int = 1) -> Unicode.Scalar? {
    position + offset < scalars.count ? scalars[position + offset] : nil
  }
  mutating func fail(_ reason: String) {
    unreadable = unreadable ?? reason
    position = scalars.count
  }

  // MARK: lists

  /// Reads commands until the end, or until the `)` that closes a group.
  mutating func list(closing: Bool) {
    var command = ShellCommand()
    var pipe = false
    while let scalar = current {
      switch scalar {
      case " ", "\t", "\r": position += 1
      case "\\" where peek() == "\n": position += 2
      case "#":
        while let next = current, next != "\n" { position += 1 }
      case "\n", ";", "&", "|": separator(scalar, &command, &pipe)
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

  /// What stands between two commands (`&>` does not: it is a redirection).
  private mutating func separator(_ scalar: Unicode.Scalar, _ command: inout ShellCommand, _ pipe: inout Bool) {
    switch scalar {
    case "&" where peek() == ">":
      position += 1
      redirect(&command)
    case "&":
      position += peek() == "&" ? 2 : 1
      end(&command, &pipe)
    case "|":
      let isOr = peek() == "|"
      position += isOr || peek() == "&" ? 2 : 1
      end(&command, &pipe)
      pipe = !isOr
    default:
      position += 1
      end(&command, &pipe)
      if scalar == "\n" { readHeredocs() }
    }
  }

  mutating func end(_ command: inout ShellCommand, _ pipe: inout Bool) {
    command.readsPipe = pipe
    pipe = false
    finish(command)
    command = ShellCommand()
  }

  /// `(`: a subshell, an arithmetic command, a function's `()`, or an array's value.
  mutating func open(_ command: inout ShellCommand, _ pipe: inout Bool) {
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

  func afterBlanks() -> Unicode.Scalar? {
    var index = position
    while index < scalars.count, scalars[index] == " " { index += 1 }
    return index < scalars.count ? scalars[index] : nil
  }

  mutating func nested(_ body: (inout ShellReader) -> Void) {
    guard depth < Self.maximumDepth else { return fail("it is nested too deeply") }
    depth += 1
    let cases = caseDepth
    caseDepth = 0
    body(&self)
    caseDepth = cases
    depth -= 1
  }

  /// Reserved words open or close a construct; what follows is again a command.
  mutating func dropKeyword(_ command: inout ShellCommand) {
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
  mutating func closeCase(_ command: inout ShellCommand) {
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
  mutating func skipCondition() {
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
  mutating func skipWord() {
    let start = position
    _ = readWords()
    if position == start { position += 1 }
  }

  mutating func skipArithmetic() {
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
}
