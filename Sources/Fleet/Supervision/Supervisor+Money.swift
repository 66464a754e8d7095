import Logging
import Tenant

/// Money: nothing starts without a hold that is on disk, and every hold is settled with the best that can be known.
/// A ledger that cannot be written holds every decide of the fleet, says why, and is tried again with the next wish.
extension Supervisor {
  func rules(of tenant: SupervisedTenant) -> BudgetRules {
    tenant.configuration.budgetRules
  }

  var fleetRules: BudgetRules { fleet.budgetRules }

  func reserve(_ request: RunRequest, for name: String) async -> JSON {
    guard let tenant = tenants[name] else { return Self.refusal("the tenant is gone", retryAt: nil) }
    let (rules, fleetRules, prices, now) = (rules(of: tenant), fleetRules, prices, ClockReading.now(clock))
    let result = await ledger.perform { ledger in
      let admission = try ledger.reserve(request, tenant: rules, fleet: fleetRules, prices: prices, now: now)
      if case .refused(let refusal, _) = admission, refusal.axis != nil, refusal.scope != .fleet {
        _ = try ledger.openBudgetAsk(refusal, of: request.tenant, rules: rules, now: now)
      }
      return admission
    }
    switch result {
    case .success(let admission):
      ledgerAnswered()
      await book(admission, of: name)
      return admission.json
    case .failure(let error):
      ledgerFailed(error)
      return Self.refusal(ledgerTrouble ?? error.description, retryAt: nil)
    }
  }

  private func book(_ admission: Admission, of name: String) async {
    switch admission {
    case .granted(_, _, let budget):
      tenants[name]?.budget = budget
      tenants[name]?.state.held = nil
    case .refused(let refusal, let budget):
      tenants[name]?.budget = budget
      if tenants[name]?.state.held != refusal.reason { say("held: \(refusal.reason)", about: name, level: .warning) }
      tenants[name]?.state.held = refusal.reason
      await refreshBudgetAsks()
      changed(.tenants)
    }
  }

  /// What the beat says that its run used. The tenant's word: a reservation of another tenant is not found by it.
  func settle(_ name: String, _ line: JSON) async {
    dropDecide(name)
    guard let tenant = tenants[name], let id = line["reservation"]?.string.flatMap(ReservationID.init),
      let open = await openReservations(of: tenant).first(where: { $0.id == id })
    else { return }
    await settle(open, of: tenant, usage: line["usage"].flatMap(RunUsage.init(json:)))
    await refreshBudget(name)
  }

  func settle(_ open: OpenReservation, of tenant: SupervisedTenant, usage: RunUsage?) async {
    let (now, prices, id) = (ClockReading.now(clock), prices, tenant.id)
    let settlement = Settlement.of(
      usage, run: open.request, hold: open.left, prices: prices, on: tenant.configuration.zone.date(at: now.wall))
    let parked = usage?.rateLimitedUntil.flatMap {
      ParkedAccount(
        tenant: id, runner: open.request.runner, resetsAt: $0, now: now.wall, zone: tenant.configuration.zone)
    }
    let result = await ledger.perform { ledger in
      if let parked { try ledger.park(parked) }
      switch settlement {
      case .charge(let charges, let countsDecide):
        try ledger.settle(open.id, of: id, charges: charges, countsDecide: countsDecide, now: now)
      case .bind: try ledger.bind(open.id, of: id, now: now)
      }
    }
    if let parked {
      say("parked: \(parked.reason)", about: id.name, level: .warning)
    }
    // A closing that the ledger could not take is kept by it and goes in when it can be used again.
    if case .failure(let error) = result { ledgerFailed(error) }
  }

  private func openReservations(of tenant: SupervisedTenant) async -> [OpenReservation] {
    guard case .success(let open) = await ledger.perform({ try $0.openReservations() }) else { return [] }
    return open.filter { $0.request.tenant == tenant.id }
  }

  // MARK: - What is left

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

  private func take(_ state: BudgetState, of name: String) {
    let before = tenants[name]?.budget
    tenants[name]?.budget = state
    announceMarks(state, of: name)
    if tenants[name]?.holds.waiting != nil, before.map({ state.leaves(moreThan: $0) }) ?? true {
      tenants[name]?.holds.waiting = nil
      admitWorkers()
    }
    // A new day, a raise, or a settlement below the hold lifts it; the next decide finds out whether it may.
    if tenants[name]?.state.held != nil, before?.day != state.day || state.standing != .held, before != state {
      tenants[name]?.state.held = nil
      changed(.tenants)
    }
  }

  /// Half, most or all of a cap is spent: said once a day and cap, and from the second mark on with a forecast.
  private func announceMarks(_ state: BudgetState, of name: String) {
    guard let tenant = tenants[name] else { return }
    let reached = BudgetThreshold.reached(in: state)
    let marks = reached.map {
      "\(state.day.date) \($0.axis.rawValue) \(state[$0.axis].cap ?? 0) \($0.threshold.rawValue)"
    }
    .joined(separator: ";")
    if state.standing == .open { tenants[name]?.forecast = nil }
    guard !marks.isEmpty, marks != tenant.marks || state.standing == .warning else { return }
    tenants[name]?.marks = marks
    let (rules, now, isNew) = (rules(of: tenant), ClockReading.now(clock), marks != tenant.marks)
    begin(.short) { fleet in
      let result = await fleet.ledger.perform { ledger in
        let forecast = try ledger.forecast(rules, state: state, now: now)
        return (isNew ? try ledger.newlyReached(rules, state: state) : [], forecast.values.min())
      }
      guard case .success(let (fresh, soonest)) = result else { return }
      let words = soonest.map { BudgetForecast.words(spentBy: $0, zone: rules.zone) }
      fleet.tenants[name]?.forecast = words
      for (axis, threshold) in fresh {
        let cap = axis.words(state[axis].cap ?? 0)
        fleet.say(
          "\(threshold.rawValue) % of today's \(cap) are spent (\(axis.words(state[axis].spent)))\(words.map { "; \($0)" } ?? "")",
          about: name, level: threshold == .half ? .info : .warning)
      }
    }
  }

  private func takeFleet(_ state: BudgetState) {
    let isFreer = fleetBudget.map { state.leaves(moreThan: $0) } ?? true
    fleetBudget = state
    guard isFreer else { return }
    for name in tenants.keys where tenants[name]?.holds.waiting?.scope == .fleet { tenants[name]?.holds.waiting = nil }
    admitWorkers()
  }

  func refreshBudgetAsks() async {
    let rules = Dictionary(uniqueKeysWithValues: tenants.values.map { ($0.id, self.rules(of: $0)) })
    let now = ClockReading.now(clock)
    guard case .success(let asks) = await ledger.perform({ try $0.pendingBudgetAsks(rules, now: now) }) else { return }
    if asks != budgetAsks {
      let isNew = asks.contains { !budgetAsks.contains($0) }
      budgetAsks = asks
      changed(isNew ? .asks : .answers)
    }
  }

  /// Closes the holds of tenants that are configured no longer, also of an earlier supervisor's time: nobody will say what their
  /// runs used, so each is charged as an upper bound, and keeps nothing of the fleet's budget any more.
  func bindStrangers(sparing names: Set<String>) async {
    let now = ClockReading.now(clock)
    let result = await ledger.perform { ledger in
      let left = try ledger.openReservations().filter { !names.contains($0.request.tenant.name) }
      for open in left { try ledger.bind(open.id, of: open.request.tenant, now: now) }
      return left
    }
    switch result {
    case .failure(let error): ledgerFailed(error)
    case .success(let left):
      for name in Set(left.map(\.request.tenant.name)).sorted() {
        say("\(name) is configured no longer: what its runs still held was charged", level: .warning)
      }
    }
  }

  /// Closes the holds of a tenant whose beat is over: whatever it did not settle itself, also in an earlier supervisor's time.
  /// A run that still goes on keeps its hold; one that ended is settled with what it left on disk, else charged as an upper bound.
  func closeAbandoned(_ name: String) {
    guard let tenant = tenants[name] else { return }
    begin { fleet in
      let open = await fleet.openReservations(of: tenant).filter { $0.request.kind == .tick }
      guard !open.isEmpty else { return }
      for reservation in open {
        let said = await fleet.helper(tenant, ["usage", reservation.request.runID, "--json"])
        switch said {
        case .success(let json) where json["running"]?.bool == true: break
        case .success(let json):
          await fleet.settle(reservation, of: tenant, usage: json["usage"].flatMap(RunUsage.init(json:)))
        case .failure: await fleet.settle(reservation, of: tenant, usage: nil)
        }
      }
      await fleet.refreshBudget(name)
    }
  }
}
