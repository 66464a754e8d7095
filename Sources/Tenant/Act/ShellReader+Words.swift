/// One word: quotes, variables and substitutions.
extension ShellReader {
  /// Reads one word; more than one where a known variable holds several.
  mutating func readWords() -> [ShellWord] {
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

  mutating func singleQuoted(_ word: inout ShellWord) {
    word.isQuoted = true
    position += 1
    while let scalar = current, scalar != "'" {
      word.text.unicodeScalars.append(scalar)
      position += 1
    }
    if current == nil { return fail("a quote without its end") }
    position += 1
  }

  mutating func doubleQuoted(_ word: inout ShellWord) {
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

  mutating func backquoted(_ word: inout ShellWord) {
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

  mutating func dollar(_ word: inout ShellWord, isQuoted: Bool, _ words: inout [ShellWord]) {
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

  static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }

  /// `${NAME}`, or one with operators, which only the run can work out.
  mutating func braced(_ word: inout ShellWord, isQuoted: Bool, _ words: inout [ShellWord]) {
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

  mutating func expand(
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
  mutating func substitution(_ word: inout ShellWord) {
    let first = commands.count
    let outside = directory
    nested { $0.list(closing: true) }
    directory = outside
    mark(&word, commands[min(first, commands.count)...])
  }

  func mark(_ word: inout ShellWord, _ inner: ArraySlice<ShellCommand>) {
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
