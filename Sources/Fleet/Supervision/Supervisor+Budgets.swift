import Logging
import Tenant

/// What was announced of a day, a tenant's or the fleet's.
struct BudgetMarks: Sendable {
  /// The marks that were reached, so that the ledger is not asked for each again and again.
  var reached = ""
  /// `at this rate spent by 15:40`, while a warning stands.
  var forecast: String?
}

/// Where the days stand, each tenant's and the fleet's, as the ledger says, and what follows: warnings, holds, and what may go on.
extension Supervisor {
  func refreshBudget(_ name: String) async {
    guard let tenant = tenants[name] else { return }
    let (rules, fleetRules, now) = (rules(of: tenant), fleetRules, ClockReading.now(clock))
    switch await ledger.perform({ try $0.states([rules, fleetRules], now: now) }) {
    case .success(let states):
      take(states[0], of: name)
      takeFleet(states[1])
    case .failure(let error): ledgerFailed(error)
    }
  }

  func refreshBudgets() async {
    let names = tenants.keys.sorted()
    let all = names.compactMap { tenants[$0].map(rules(of:)) } + [fleetRules]
    let now = ClockReading.now(clock)
    switch await ledger.perform({ try $0.states(all, now: now) }) {
    case .success(let states):
      for (name, state) in zip(names, states) { take(state, of: name) }
      if let last = states.last { takeFleet(last) }
    case .failure(let error): ledgerFailed(error)
    }
    await refreshBudgetAsks()
  }

  func refreshBudgetAsks() async {
    let rules = tenants.values.map(rules(of:)) + [fleetRules]
    let now = ClockReading.now(clock)
    guard case .success(let asks) = await ledger.perform({ try $0.pendingBudgetAsks(rules, now: now) }) else { return }
    if asks != budgetAsks {
      let isNew = asks.contains { !budgetAsks.contains($0) }
      budgetAsks = asks
      changed(isNew ? .asks : .answers)
    }
  }

  // MARK: - A tenant's day

  private func take(_ state: BudgetState, of name: String) {
    guard let tenant = tenants[name] else { return }
    let before = tenant.budget
    tenants[name]?.budget = state
    announceMarks(state, rules(of: tenant))
    if let waiting = tenant.holds.waiting, waiting.scope != .fleet,
      waiting.isOver(at: clock.now) ?? before.map({ state.leaves(moreThan: $0) }) ?? true
    {
      tenants[name]?.holds.waiting = nil
      admitWorkers()
    }
    // A new day, a raise, or a settlement below the hold lifts it; the next decide finds out whether it may. What is parked waits
    // for its time.
    if let held = tenant.state.held, held.scope != .fleet,
      held.isOver(at: clock.now) ?? (before?.day != state.day || (state.standing != .held && before != state))
    {
      tenants[name]?.state.held = nil
      changed(.tenants, about: name)
    }
    let rules = rules(of: tenant)
    // The last decide may have wished for a worker, which takes none: out of decides, it is held when it wants the next one.
    if let refusal = BudgetGate.exhausted((rules.scope, state, rules.zone)), refusal.axis != .decides {
      breached(refusal, state, of: name)
    } else {
      tenants[name]?.breach = nil
    }
  }

  /// Spent, it asks once for each cap of a day, and is held: whatever spent it, and whether or not anything wishes to start.
  private func breached(_ refusal: AdmissionRefusal, _ state: BudgetState, of name: String) {
    guard let tenant = tenants[name] else { return }
    let breach = state.breach
    guard tenant.breach != breach else {
      if tenant.state.held == nil { hold(name, because: refusal) }
      return
    }
    tenants[name]?.breach = breach
    let (rules, now) = (rules(of: tenant), ClockReading.now(clock))
    begin(.short) { fleet in
      // It is held as soon as somebody can do something about it.
      switch await fleet.ledger.perform({ try $0.openBudgetAsk(refusal, rules: rules, now: now) }) {
      case .success:
        await fleet.refreshBudgetAsks()
        guard let tenant = fleet.tenants[name], tenant.breach == breach, tenant.state.held == nil else { return }
        fleet.hold(name, because: refusal)
      case .failure(let error):
        fleet.tenants[name]?.breach = nil
        fleet.ledgerFailed(error)
      }
    }
  }

  // MARK: - The fleet's day

  /// Spent, it holds every tenant and asks once; once there is more again, all that waited for it may try.
  private func takeFleet(_ state: BudgetState) {
    let isFreer = fleetBudget.map { state.leaves(moreThan: $0) } ?? true
    fleetBudget = state
    announceMarks(state, fleetRules)
    if let refusal = BudgetGate.exhausted((.fleet, state, fleetRules.zone)) {
      holdAll(because: refusal, state)
    } else {
      fleetBreach = nil
      if isFreer { freeAll() }
    }
  }

  private func holdAll(because refusal: AdmissionRefusal, _ state: BudgetState) {
    for (name, tenant) in tenants where tenant.state.held.map({ $0.scope == .fleet && $0 != refusal }) ?? true {
      tenants[name]?.state.held = refusal
      changed(.tenants, about: name)
    }
    // Asked once for each cap of a day.
    let breach = state.breach
    guard fleetBreach != breach else { return }
    fleetBreach = breach
    say("every tenant is held: \(refusal.reason)", level: .warning)
    let (rules, now) = (fleetRules, ClockReading.now(clock))
    begin(.short) { fleet in
      switch await fleet.ledger.perform({ try $0.openBudgetAsk(refusal, rules: rules, now: now) }) {
      case .success: await fleet.refreshBudgetAsks()
      case .failure(let error):
        fleet.fleetBreach = nil
        fleet.ledgerFailed(error)
      }
    }
  }

  private func freeAll() {
    for (name, tenant) in tenants {
      if tenant.holds.waiting?.scope == .fleet { tenants[name]?.holds.waiting = nil }
      guard tenant.state.held?.scope == .fleet else { continue }
      tenants[name]?.state.held = nil
      changed(.tenants, about: name)
      reconcile(name, .touched)
    }
    admitWorkers()
  }

  // MARK: - Warnings

  /// Half, most or all of a cap is spent: said once a day and cap, and from the second mark on with a forecast.
  private func announceMarks(_ state: BudgetState, _ rules: BudgetRules) {
    let known = marks(of: rules.scope)
    if state.standing == .open { change(rules.scope) { $0.forecast = nil } }
    let reached = BudgetThreshold.marks(state)
    guard !reached.isEmpty, reached != known.reached || state.standing == .warning else { return }
    change(rules.scope) { $0.reached = reached }
    let (now, isNew) = (ClockReading.now(clock), reached != known.reached)
    begin(.short) { fleet in
      let result = await fleet.ledger.perform { ledger in
        let forecast = try ledger.forecast(rules, state: state, now: now)
        return (isNew ? try ledger.newlyReached(rules, state: state) : [], forecast.values.min())
      }
      guard case .success(let (fresh, soonest)) = result else { return }
      let forecast = soonest.map { BudgetForecast.words(spentBy: $0, zone: rules.zone) }
      fleet.change(rules.scope) { $0.forecast = forecast }
      // Of marks that were passed in one step the last one says it all.
      for (axis, marks) in Dictionary(grouping: fresh, by: \.axis).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        guard let threshold = marks.map(\.threshold).max(by: { $0.rawValue < $1.rawValue }) else { continue }
        fleet.say(
          threshold.words(axis, state, scope: rules.scope, forecast: forecast), about: rules.scope.tenant?.name,
          level: threshold == .half ? .info : .warning)
      }
    }
  }

  private func marks(of scope: BudgetScope) -> BudgetMarks {
    switch scope {
    case .fleet: fleetMarks
    case .tenant(let tenant): tenants[tenant.name]?.marks ?? BudgetMarks()
    }
  }

  private func change(_ scope: BudgetScope, _ body: (inout BudgetMarks) -> Void) {
    switch scope {
    case .fleet: body(&fleetMarks)
    case .tenant(let tenant): if tenants[tenant.name] != nil { body(&tenants[tenant.name]!.marks) }
    }
  }
}

extension BudgetState {
  /// The day and its caps as one word: once for each of these a person is asked.
  fileprivate var breach: String {
    "\(day.date) \(BudgetAxis.allCases.map { self[$0].cap.map(String.init) ?? "-" })"
  }
}

extension AdmissionRefusal {
  /// Whether an order or a limit is over, by its own time or as far as asking again can tell; nil where money stands in the way.
  fileprivate func isOver(at now: Int64) -> Bool? { axis == nil ? retryAt.map { $0 <= now } ?? true : nil }
}

extension BudgetScope {
  /// Who asks, in the mailbox.
  var mailboxName: String { tenant?.name ?? MailboxAsk.fleet }
}
