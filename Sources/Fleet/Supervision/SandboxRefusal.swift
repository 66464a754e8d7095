/// Why a sandbox could not be made, looked at or given back.
struct SandboxRefusal: Error, Hashable, Sendable {
  /// The helper's class of it.
  var code: String?
  var message: String
  var hint: String?
  /// The helper's own, where it had one.
  var exitCode: Int32?

  var words: String { hint.map { "\(message) (\($0))" } ?? message }

  /// For whoever asked over the control socket.
  var fleet: FleetRefusal {
    let kind: FleetRefusal.Class =
      switch code {
      case "invalid_request": .invalidArgument
      case "not_found": .notFound
      case "exists", "conflict", "busy", "kept", "tampered", "unsupported", "foreign_owner": .conflict
      default: .unavailable
      }
    return FleetRefusal(kind, message, hint: hint)
  }
}
