package import Tenant

/// Why the fleet did not do what it was asked: a class that programs match, a message that says what and why, and a hint
/// that says what to do. Wire shape: `{"error":{"code":"already_answered","message":"…","hint":"…"}}`.
package struct FleetRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Class: String, Sendable, CaseIterable {
    case invalidArgument = "invalid_argument"
    case permissionDenied = "permission_denied"
    case notFound = "not_found"
    case noSuchAsk = "no_such_ask"
    case alreadyAnswered = "already_answered"
    case conflict
    case tooLarge = "too_large"
    case tooManyRequests = "too_many_requests"
    /// The fleet runs but cannot do this now.
    case unavailable
    /// Nobody listens on the control socket, or the fleet is stopping.
    case notRunning = "not_running"
    case timeout
    case `internal`
  }

  package var `class`: Class
  package var message: String
  package var hint: String?

  package init(_ class: Class, _ message: String, hint: String? = nil) {
    self.class = `class`
    self.message = message
    self.hint = hint
  }

  /// Two programs of one package that do not understand each other.
  package static func unknownShape(_ answer: String) -> FleetRefusal {
    FleetRefusal(
      .internal, "\(answer) has an unknown shape",
      hint: "are looop and looop-fleet of one version? install both, then restart the fleet")
  }

  package var description: String { hint.map { "\(message) (\($0))" } ?? message }
}

extension FleetRefusal.Class {
  /// The one table: class → HTTP status → exit status of `looop-fleet`.
  package var statuses: (http: Int, exit: Int32) {
    switch self {
    case .invalidArgument: (400, 1)
    case .permissionDenied: (403, 1)
    case .notFound: (404, 1)
    case .noSuchAsk: (404, 5)
    case .alreadyAnswered: (409, 4)
    case .conflict: (409, 1)
    case .tooLarge: (413, 1)
    case .tooManyRequests: (429, 1)
    case .unavailable: (503, 1)
    case .notRunning: (503, 3)
    case .timeout: (504, 1)
    case .internal: (500, 1)
    }
  }
}

extension FleetRefusal {
  package var json: JSON {
    ["error": ["code": .string(`class`.rawValue), "message": .string(message), "hint": .optional(hint)]]
  }

  /// Reads a problem document; `nil` where the value is none. An unknown code counts as `internal`: a newer fleet may have more.
  package init?(json: JSON) {
    guard let error = json["error"], let message = error["message"]?.string else { return nil }
    self.init(
      error["code"]?.string.flatMap(Class.init(rawValue:)) ?? .internal, message, hint: error["hint"]?.string)
  }
}
