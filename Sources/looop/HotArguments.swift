import Tenant

/// The option reader of the verbs that must start fast. It understands right command lines only: whatever it does not know,
/// `--help` included, is left to the argument parser, so that errors and help texts exist once.
struct HotArguments: Hashable {
  private(set) var flags: Set<String> = []
  private(set) var values: [String: [String]] = [:]
  private(set) var words: [String] = []

  init?(_ arguments: some Sequence<String>, flags known: Set<String> = [], options: Set<String> = []) {
    var iterator = arguments.makeIterator()
    var onlyWords = false
    while let token = iterator.next() {
      if onlyWords || token == "-" || !token.hasPrefix("-") {
        words.append(token)
      } else if token == "--" {
        onlyWords = true
      } else if known.contains(token) {
        flags.insert(token)
      } else if options.contains(token) {
        // A value that looks like an option is a forgotten value.
        guard let value = iterator.next(), !value.hasPrefix("-") || value == "-" else { return nil }
        values[token, default: []].append(value)
      } else if let equals = token.firstIndex(of: "="), options.contains(String(token[..<equals])) {
        values[String(token[..<equals]), default: []].append(String(token[token.index(after: equals)...]))
      } else {
        return nil
      }
    }
  }

  func has(_ flag: String) -> Bool { flags.contains(flag) }

  /// The last one given wins.
  subscript(option: String) -> String? { values[option]?.last }
}
