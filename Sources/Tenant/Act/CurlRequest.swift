/// What curl's options make of a request. Letters may be bundled (`-sXDELETE`); one that takes a value ends its bundle.
struct CurlRequest {
  /// Of `-X`.
  var method: ShellWord?
  /// It sends data, by POST where no method is named.
  var sends = false
  /// It sends a file by PUT, or a mail.
  var uploads = false
  /// `-G` and `-I` make a reading request of whatever else is given.
  var onlyReads = false

  private static let valued = "AbcCDeEHhKmoPQrtuUwxyYz"

  init(_ arguments: [ShellWord]) {
    var rest = arguments[...]
    while let word = rest.popFirst() {
      guard word.text.hasPrefix("-"), word.text.count > 1 else { continue }
      if word.text.hasPrefix("--") {
        take(long: word, &rest)
      } else {
        take(bundle: word, &rest)
      }
    }
  }

  private mutating func take(long word: ShellWord, _ rest: inout ArraySlice<ShellWord>) {
    let name = word.text.dropFirst(2).prefix { $0 != "=" }
    switch name {
    case "request":
      method = name.count + 2 < word.text.count ? Self.tail(word, word.text.dropFirst(name.count + 3)) : rest.popFirst()
    case "get", "head": onlyReads = true
    case "form", "form-string", "json": sends = true
    case "upload-file", "mail-rcpt": uploads = true
    default: if name.hasPrefix("data") { sends = true }
    }
  }

  private mutating func take(bundle word: ShellWord, _ rest: inout ArraySlice<ShellWord>) {
    var letters = word.text.dropFirst()
    while let letter = letters.popFirst() {
      switch letter {
      case "G", "I":
        onlyReads = true
        continue
      case "X": method = letters.isEmpty ? rest.first : Self.tail(word, letters)
      case "d", "F": sends = true
      case "T": uploads = true
      default: if !Self.valued.contains(letter) { continue }
      }
      if letters.isEmpty { _ = rest.popFirst() }
      return
    }
  }

  private static func tail(_ word: ShellWord, _ text: Substring) -> ShellWord {
    var tail = word
    tail.text = String(text)
    return tail
  }
}
