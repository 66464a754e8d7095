import Tenant

/// Who pays: a tenant's day or the fleet's.
package enum BudgetScope: Sendable, Hashable, CustomStringConvertible {
  case fleet
  case tenant(TenantID)

  package var description: String {
    switch self {
    case .fleet: "the fleet"
    case .tenant(let tenant): tenant.name
    }
  }

  package var tenant: TenantID? { if case .tenant(let tenant) = self { tenant } else { nil } }
}

/// The rules that one scope's money is counted by: its caps and the zone whose midnight resets them.
package struct BudgetRules: Sendable, Hashable {
  package var scope: BudgetScope
  package var caps: BudgetCaps
  package var zone: ZoneRules

  package init(scope: BudgetScope, caps: BudgetCaps, zone: ZoneRules) {
    self.scope = scope
    self.caps = caps
    self.zone = zone
  }
}

/// Why nothing may start now: which cap, in words, and when it is worth asking again.
package struct AdmissionRefusal: Sendable, Hashable {
  package let scope: BudgetScope
  /// Nil when no budget stands in the way but an order (pause, freeze) or a parked account does.
  package let axis: BudgetAxis?
  package let reason: String
  /// Unix seconds; nil when only a person can change it.
  package let retryAt: Int64?

  package init(scope: BudgetScope, axis: BudgetAxis?, reason: String, retryAt: Int64?) {
    self.scope = scope
    self.axis = axis
    self.reason = reason
    self.retryAt = retryAt
  }
}

package enum AdmissionDecision: Sendable, Hashable {
  case granted
  case refused(AdmissionRefusal)
}

/// The one place that says whether a day can bear one more run. Pure: the ledger calls it inside the transaction that also
/// writes the reservation, so that what it saw is still so when the hold is taken.
package enum BudgetGate {
  package typealias Budget = (scope: BudgetScope, state: BudgetState, zone: ZoneRules)

  /// Granted only if what was spent, what is held and this run's worst case fit below every cap together. Hence no number of
  /// simultaneous runs can pass a cap by more than a run takes beyond its own worst case. Once money or tokens are spent nothing
  /// starts any more, free or not.
  package static func decide(worstCase: BudgetAmounts, budgets: [Budget]) -> AdmissionDecision {
    for budget in budgets {
      for axis in BudgetAxis.allCases {
        let (state, wanted) = (budget.state[axis], worstCase[axis])
        guard let cap = state.cap else { continue }
        let fits = wanted <= 0 || state.committed.saturatingSum(wanted) <= cap
        guard !fits || (axis != .decides && isSpent(state)) else { continue }
        return .refused(refusal(budget, axis, wanted: wanted))
      }
    }
    return .granted
  }

  /// Why no decide may start any more before the day ends; nil while a cap leaves something.
  package static func exhausted(_ budget: Budget) -> AdmissionRefusal? {
    BudgetAxis.allCases.first { isSpent(budget.state[$0]) }.map { refusal(budget, $0, wanted: 0) }
  }

  /// A cap of nothing is not spent by spending nothing: what is free starts under it.
  private static func isSpent(_ state: BudgetAxisState) -> Bool {
    state.cap.map { state.spent > 0 && state.spent >= $0 } ?? false
  }

  private static func refusal(_ budget: Budget, _ axis: BudgetAxis, wanted: Int64) -> AdmissionRefusal {
    AdmissionRefusal(
      scope: budget.scope, axis: axis, reason: words(budget, axis, wanted: wanted),
      retryAt: budget.state.day.resetsAt)
  }

  private static func words(_ budget: Budget, _ axis: BudgetAxis, wanted: Int64) -> String {
    let state = budget.state[axis]
    let whose = budget.scope == .fleet ? "the fleet's" : "today's"
    let cap = axis.words(state.cap ?? 0)
    let reset = "until \(budget.zone.clockTime(at: budget.state.day.resetsAt)) (\(budget.zone.name))"
    if state.cap == 0, state.spent == 0, axis != .decides {
      return "\(whose) budget of \(cap) lets nothing start that uses a model"
    }
    let held = state.reserved > 0 ? " and \(axis.words(state.reserved)) held by what runs" : ""
    if state.spent >= (state.cap ?? 0) {
      return "\(whose) budget of \(cap) is spent (\(axis.words(state.spent))) \(reset)"
    }
    return
      "\(whose) budget of \(cap) has \(axis.words(state.left ?? 0)) left after \(axis.words(state.spent)) spent\(held); this run may take \(axis.words(wanted)) \(reset)"
  }
}
