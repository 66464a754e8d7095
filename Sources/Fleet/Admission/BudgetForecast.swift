/// When a day's cap will be used up if the spending of the last hours goes on. A straight line, on purpose: an operator can check it
/// by hand, and it is only ever shown as "at this rate".
package enum BudgetForecast {
  /// The stretch that the rate is taken from: long enough to hold several runs, short enough to follow a change of pace.
  package static let window: Int64 = 2 * 3600
  /// Less spending time than this says nothing.
  package static let least: Int64 = 10 * 60

  /// Unix seconds at which the axis is used up; nil when there is no cap, no rate, nothing left, or the day ends first.
  ///
  /// `recent` is what was spent since `since` (Unix seconds), which the caller takes as the later of the day's start and `now - window`.
  package static func exhaustion(
    of axis: BudgetAxisState, recent: Int64, since: Int64, now: Int64, resetsAt: Int64
  ) -> Int64? {
    guard let left = axis.left, left > 0, recent > 0, now - since >= least else { return nil }
    let seconds = Int128(left) * Int128(now - since) / Int128(recent)
    let at = Int128(now) + seconds
    return at < Int128(resetsAt) ? Int64(at) : nil
  }

  /// *Shape*: `at this rate spent by 15:40`.
  package static func words(spentBy instant: Int64, zone: ZoneRules) -> String {
    "at this rate spent by \(zone.clockTime(at: instant))"
  }
}
