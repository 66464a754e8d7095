import Logging
import Tenant

/// More money for today, of a tenant or of the whole fleet: asked for in the mailbox, or ordered.
extension Supervisor {
  package func raise(
    tenant name: String?, by amount: RaiseAmount, caller: Caller
  ) async throws(FleetRefusal) -> TenantBudget {
    let rules = try name.map { name throws(FleetRefusal) in self.rules(of: try known(name)) } ?? fleetRules
    let amounts = BudgetAmounts(usd: MicroUSD(micros: amount.microUSD), tokens: amount.tokens, decides: amount.decides)
    guard amounts != .zero, BudgetAxis.allCases.allSatisfy({ amounts[$0] >= 0 }) else {
      throw FleetRefusal(.invalidArgument, "a raise is more than 0", hint: "a lower cap belongs in the configuration")
    }
    for axis in BudgetAxis.allCases where amounts[axis] > 0 && rules.caps[axis] == nil {
      throw Self.nothingToRaise(axis, rules.scope)
    }
    let now = ClockReading.now(clock)
    let raise = BudgetRaise(scope: rules.scope, amounts: amounts, actor: caller.user, via: caller.via)
    let result = await ledger.perform { ledger in
      try ledger.raise(raise, rules: rules, now: now)
      return try ledger.state(rules, now: now)
    }
    switch result {
    case .failure(let error): throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    case .success(let state):
      say("today's cap is raised by \(raise.words) by \(caller.user)", about: name)
      await goOn(rules.scope)
      return TenantBudget(state)
    }
  }

  private static func nothingToRaise(_ axis: BudgetAxis, _ scope: BudgetScope) -> FleetRefusal {
    let what = axis == .usd ? "USD" : axis.rawValue
    let place =
      switch scope {
      case .fleet: "fleet.yaml, below `fleet:`: budget: { \(axis.rawValue)_per_day: … }"
      case .tenant(let tenant): "tenants.d/\(tenant).yaml: budget: { \(axis.rawValue)_per_day: … }"
      }
    return FleetRefusal(.conflict, "\(scope) has no cap in \(what) that could be raised", hint: "set one in \(place)")
  }

  /// False where this budget has no such ask: then it may be the tenant's.
  func answerBudget(
    _ rules: BudgetRules, _ ask: String, _ text: String, _ caller: Caller
  ) async throws(FleetRefusal) -> Bool {
    let (scope, now) = (rules.scope, ClockReading.now(clock))
    switch await ledger.perform({ try $0.hasBudgetAsk(ask, of: scope) }) {
    case .failure(let error): throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    case .success(false): return false
    case .success(true): break
    }
    let id = "\(scope.mailboxName)/\(ask)"
    guard caller.roles.contains(.ops) || caller.roles.contains(.concierge) else {
      throw FleetRefusal(
        .permissionDenied, "a tenant does not raise its own budget", hint: "ops or the concierge answers \(id)")
    }
    let result = await ledger.perform {
      try $0.answerBudgetAsk(ask, text: text, actor: caller.user, via: caller.via, rules: rules, now: now)
    }
    switch result {
    case .failure(let error): throw FleetRefusal(.unavailable, error.description, hint: error.hint)
    case .success(.unknown): return false
    case .success(.alreadyAnswered(let answer)):
      throw FleetRefusal(.alreadyAnswered, "\(id) was answered already: \(answer)")
    case .success(.notUnderstood(let want)): throw FleetRefusal(.invalidArgument, "not understood", hint: want)
    case .success(.answered(.wait)): await refreshBudgets()
    case .success(.answered(.raise)): await goOn(scope)
    }
    return true
  }

  /// What was held may go on: its next beat asks again, at once. What the fleet held is let go as its day is read.
  private func goOn(_ scope: BudgetScope) async {
    guard case .tenant(let tenant) = scope else { return await refreshBudgets() }
    if tenants[tenant.name]?.state.held?.scope != .fleet { tenants[tenant.name]?.state.held = nil }
    await refreshBudgets()
    changed(.tenants, about: tenant.name)
    reconcile(tenant.name, .touched)
    admitWorkers()
  }
}
