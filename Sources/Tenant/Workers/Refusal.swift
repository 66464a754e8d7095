/// A «no» in words: what was refused and why, and what to do. Commands print it as `looop: <cause>` and a hint.
package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: String, Sendable {
    case invalid, notFound, alreadyExists, alreadyAnswered, vanished, corrupt, unavailable, limit, timeout, conflict
  }
  package var code: Code
  package var cause: String
  package var hint: String?

  package init(_ code: Code, _ cause: String, hint: String? = nil) {
    self.code = code
    self.cause = cause
    self.hint = hint
  }

  package var description: String { cause }
}
