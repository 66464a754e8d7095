/// Whether a worktree's worker and age speak for collecting it; what is in the tree is ``CollectionVerdict``'s. Pure.
struct CollectionAge: Hashable, Sendable {
  /// What the supervisor knows of a worker.
  struct Worker: Hashable, Sendable {
    var isLive: Bool
    /// `completed`, `failed`: how long its sandbox is kept depends on it.
    var outcome: String
    var endedAt: Int64?
  }

  /// A sandbox may be older than the list of workers that the request was made from.
  static let defaultGrace: Int64 = 300

  /// Seconds to keep after the end, by outcome; `default` for the others, `unknown` where nobody knows the worker.
  var keep: [String: Int64]
  var now: Int64

  /// `nil`: it may go.
  func reasonToKeep(_ worker: Worker?, modifiedAt: Int64) -> String? {
    guard let worker else {
      let grace = keep["unknown"] ?? Self.defaultGrace
      return now - modifiedAt < grace ? "nobody knows its worker, and it is younger than \(Self.text(grace))" : nil
    }
    if worker.isLive { return "its worker lives" }
    guard let ended = worker.endedAt else { return nil }
    let time = keep[worker.outcome] ?? keep["default"] ?? 0
    return now - ended < time
      ? "its worker ended (\(worker.outcome)) \(Self.text(now - ended)) ago; kept for \(Self.text(time))" : nil
  }

  private static func text(_ seconds: Int64) -> String {
    if seconds >= 86_400 { return "\(seconds / 86_400) d" }
    return seconds >= 3600 ? "\(seconds / 3600) h" : seconds >= 60 ? "\(seconds / 60) min" : "\(max(0, seconds)) s"
  }
}
