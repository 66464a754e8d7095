/// Times as a person reads them.
enum Age {
  /// `42s 5m 2h 3d`, or `-`.
  static func short(_ seconds: Int64?) -> String {
    guard let seconds else { return "-" }
    return switch max(0, seconds) {
    case ..<60: "\(max(0, seconds))s"
    case ..<3600: "\(seconds / 60)m"
    case ..<86400: "\(seconds / 3600)h"
    default: "\(seconds / 86400)d"
    }
  }

  /// `just now`, `1m ago`, `7m ago`, `3h ago`, `2d ago`.
  static func ago(_ seconds: Int64) -> String {
    switch seconds {
    case ..<45: "just now"
    case ..<90: "1m ago"
    case ..<3600: "\(seconds / 60)m ago"
    case ..<86400: "\(seconds / 3600)h ago"
    default: "\(seconds / 86400)d ago"
    }
  }
}
