/// Why a decision is not a move, in words that the next prompt shows to the decider.
package struct MoveError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// The runner left nothing that could be a move.
    case absent
    case malformed
    case invalid
    case unreadable
  }
  package var code: Code
  package var reason: String

  package init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  package var description: String { reason }
}
