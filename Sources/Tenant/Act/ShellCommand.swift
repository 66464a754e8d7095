/// One word of a shell command after quote removal.
struct ShellWord: Hashable, Sendable {
  var text = ""
  /// It has a part that only the run will know (`$X`, `$(…)`); that part stands in `text` as it was written.
  var isDynamic = false
  var isQuoted = false
  /// An unquoted `*`, `?` or `[`.
  var hasGlob = false
  /// A substitution in it downloads something.
  var fetches = false

  init(_ text: String = "", isDynamic: Bool = false) {
    self.text = text
    self.isDynamic = isDynamic
  }
}

/// One simple command, as the shell would run it: assignments, words and redirections, each told apart.
struct ShellCommand: Hashable, Sendable {
  struct Redirection: Hashable, Sendable {
    /// `>`, `>>`, `<`, `<<<`, …
    var kind: String
    var target: ShellWord
  }

  var words: [ShellWord] = []
  var redirections: [Redirection] = []
  /// The heredocs that are its input, by number.
  var heredocs: [Int] = []
  /// Its input text where that is known: heredocs and herestrings.
  var input: String?
  /// Its stdin is another command's output.
  var readsPipe = false
  /// Where it runs; `nil` once that cannot be known.
  var directory: String?
  /// What is known of the variables at this point, for scripts in its arguments.
  var variables: [String: ShellWord] = [:]

  var isEmpty: Bool { words.isEmpty && redirections.isEmpty }
}

/// Paths as text: nothing is looked up on disk.
enum LexicalPath {
  /// `/a/./b/../c` → `/a/c`.
  static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  static func joined(_ base: String?, _ path: String) -> String? {
    if path.hasPrefix("/") { return normalized(path) }
    return base.map { normalized($0 + "/" + path) }
  }

  static func isStrictlyInside(_ path: String, _ root: String) -> Bool {
    root == "/" ? path != "/" : path.hasPrefix(root + "/")
  }
}
