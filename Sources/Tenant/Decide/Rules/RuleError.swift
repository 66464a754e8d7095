/// What is wrong with a rule, with the file and the rule's name: whoever wrote it must find it at once.
package struct RuleError: Error, Hashable, Sendable, CustomStringConvertible {
  package var file: String
  /// The rule's name, or its place (`rule 3`) where it has none; `nil` for the file as a whole.
  package var rule: String?
  package var reason: String

  package var description: String { "\(file)\(rule.map { ": \($0)" } ?? ""): \(reason)" }
}

/// A reason without its place yet.
struct RuleFault: Error, Hashable, Sendable {
  var reason: String
}
