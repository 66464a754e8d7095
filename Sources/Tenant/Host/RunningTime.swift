/// Counts the seconds in which this process could run. What passes while it is held still (a frozen control group, a stop signal) is
/// nobody's delay: a deadline that counted it would end whoever was frozen for long at the moment of the thaw. Pure.
package struct RunningTime: Hashable, Sendable {
  /// Whoever counts looks at least this often, in seconds.
  package static let step = 1.0
  /// A pause longer than a step and this is not lateness any more: somebody held us.
  static let slack = 1.0

  private var looked: Double
  package private(set) var seconds = 0.0

  package init(now: Double) { looked = now }

  package mutating func look(at now: Double) {
    seconds += min(max(0, now - looked), Self.step + Self.slack)
    looked = now
  }
}
