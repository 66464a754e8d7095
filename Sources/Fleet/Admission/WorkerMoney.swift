import Tenant

/// What becomes of a tenant's live workers as its day's money runs out. Pure, and decided anew each time from the budget as it stands, so
/// a raise or the reset takes a warning or a deadline back by itself.
package enum WorkerMoney: Sendable, Hashable {
  case goOn
  /// 80 % of a cap is spent: the workers are told, once for each cap.
  case warn(String)
  /// A cap is spent: nothing new starts, and live workers may finish until then.
  case finish(until: Int64, String)
  /// The grace is over: stop them, with their work parked.
  case stop(String)

  /// `breachedAt`: when a cap was first seen to be spent (`Ledger.breachedSince`); nil while none is.
  ///
  /// Decides bind no worker: a session that runs makes none.
  package static func verdict(
    _ state: BudgetState, zone: ZoneRules, breachedAt: Int64?, grace: Duration, now: Int64
  ) -> WorkerMoney {
    let reset = "it resets at \(zone.clockTime(at: state.day.resetsAt)) (\(zone.name))"
    if let axis = spentAxis(state), let breachedAt {
      let cap = axis.words(state[axis].cap ?? 0)
      let deadline = breachedAt.saturatingSum(max(0, grace.components.seconds))
      guard now < deadline else {
        return .stop("today's budget of \(cap) is spent and the time to finish is over; \(reset)")
      }
      let left = (deadline - now + 59) / 60
      return .finish(
        until: deadline,
        "today's budget of \(cap) is spent: save and commit your work, you will be stopped in \(left) min; \(reset)")
    }
    for axis in [BudgetAxis.usd, .tokens] {
      guard let cap = state[axis].cap, cap > 0,
        BudgetThreshold.warning.isReached(used: state[axis].spent, cap: cap)
      else { continue }
      return .warn(
        "\(axis.words(state[axis].spent)) of today's \(axis.words(cap)) are spent: finish what matters; \(reset)")
    }
    return .goOn
  }

  /// The axis by which live workers are over: what is *spent*, since their own holds are no reason to stop them.
  static func spentAxis(_ state: BudgetState) -> BudgetAxis? {
    [BudgetAxis.usd, .tokens].first { axis in state[axis].cap.map { state[axis].spent >= $0 } ?? false }
  }
}

extension Ledger {
  /// Since when this day's cap, as it stands, is spent; nil while it is not. Written down at the first look, so that a restart
  /// of the supervisor starts no new grace; a raise makes another cap, with a grace of its own.
  package func breachedSince(_ rules: BudgetRules, state: BudgetState, now: ClockReading) throws(LedgerError) -> Int64?
  {
    guard let axis = WorkerMoney.spentAxis(state) else { return nil }
    let key = "breach/\(rules.scope.key)/\(state.day.date)/\(axis.rawValue)/\(state[axis].cap ?? 0)"
    if let known = try note(key).flatMap(Int64.init) { return min(known, now.wall) }
    try note(key, String(now.wall))
    return now.wall
  }
}
