/// One thing in the configuration that cannot be used: where, what, and what to write instead.
///
/// *Shape* of its text: `tenants.d/web.yaml:4: unknown key `usd_per_days`` and, apart, the hint.
package struct ConfigurationProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// Relative to the configuration directory.
  package let file: String
  /// 1 for the first; nil when the file as a whole is meant.
  package let line: Int?
  package let message: String
  package let hint: String?
  /// The tenant that is refused because of it; nil when it is the fleet's own file.
  package let tenant: TenantID?

  package init(file: String, line: Int?, message: String, hint: String? = nil, tenant: TenantID? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.hint = hint
    self.tenant = tenant
  }

  package var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(message)" }
}

/// Finds what a mistyped word was meant to be.
package enum Spelling {
  /// The nearest of `known`, if it is near: at most a third of the word's letters differ.
  package static func nearest(_ word: String, among known: some Sequence<String>) -> String? {
    let letters = Array(word.lowercased())
    let candidate = known.map { (word: $0, distance: distance(letters, Array($0.lowercased()))) }
      .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
    guard let candidate, candidate.distance <= max(1, max(letters.count, candidate.word.count) / 3) else { return nil }
    return candidate.word
  }

  /// Edits (insert, delete, replace, swap of neighbours) between two words.
  static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
