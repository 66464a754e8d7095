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
  /// Granted only if what was spent, what is held and this run's worst case fit below every cap together. Hence no number of
  /// simultaneous runs can pass a cap by more than a run takes beyond its own worst case.
  package static func decide(
    worstCase: BudgetAmounts, budgets: [(scope: BudgetScope, state: BudgetState, zone: ZoneRules)]
  ) -> AdmissionDecision {
    for budget in budgets {
      for axis in BudgetAxis.allCases {
        let state = budget.state[axis]
        let wanted = worstCase[axis]
        guard let cap = state.cap, wanted > 0 || (axis == .usd && state.spent > cap) else { continue }
        guard state.committed.saturatingSum(wanted) > cap else { continue }
        return .refused(
          AdmissionRefusal(
            scope: budget.scope, axis: axis, reason: words(budget.scope, axis, state, wanted, budget),
            retryAt: budget.state.day.resetsAt))
      }
    }
    return .granted
  }

  private static func words(
    _ scope: BudgetScope, _ axis: BudgetAxis, _ state: BudgetAxisState, _ wanted: Int64,
    _ budget: (scope: BudgetScope, state: BudgetState, zone: ZoneRules)
  ) -> String {
    let whose = scope == .fleet ? "the fleet's" : "today's"
    let cap = axis.words(state.cap ?? 0)
    let reset = "until \(budget.zone.clockTime(at: budget.state.day.resetsAt)) (\(budget.zone.name))"
    let held = state.reserved > 0 ? " and \(axis.words(state.reserved)) held by what runs" : ""
    if state.spent >= (state.cap ?? 0) {
      return "\(whose) budget of \(cap) is spent (\(axis.words(state.spent))) \(reset)"
    }
    return
      "\(whose) budget of \(cap) has \(axis.words(state.left ?? 0)) left after \(axis.words(state.spent)) spent\(held); this run may take \(axis.words(wanted)) \(reset)"
  }
}
