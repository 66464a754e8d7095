import Logging
import SystemPackage
import Tenant

/// What is wanted: read from the configuration at the start and at every reload, tenant by tenant, keeping the last good form of
/// what is refused.
extension Supervisor {
  func applyConfiguration() async -> ReloadOutcome {
    await apply(ConfigurationDirectory.load(at: paths.configuration))
  }

  @discardableResult
  func apply(_ read: ConfigurationLoad) async -> ReloadOutcome {
    self.users = [:]
    let load = refusingUnguarded(read)
    refused = load.refused
    for problem in load.refused { say("\(problem): refused", about: problem.tenant?.name, level: .warning) }
    if let wanted = load.fleet {
      fleet = wanted
      prices = wanted.prices
    }
    beatGate.capacity = fleet.maximumBeats
    decideGate.capacity = fleet.maximumDecides
    let orders = await standingOrders()
    let mustDrain = obeyDrain(orders)
    // A tenant whose own file was refused keeps its last good form: a typing error stops nobody.
    let kept = Set(load.refused.compactMap { $0.tenant?.name })
    let users = load.tenants.map(\.user) + kept.map { tenants[$0]?.configuration.user }
    namesakes = Dictionary(users.map { ($0 ?? "", 1) }, uniquingKeysWith: +)
    var applied: [String] = []
    // Another place or user is another tenant under an old name: begin anew there.
    await giveBack(
      load.tenants.filter { wanted in
        tenants[wanted.id.name].map { !$0.configuration.isSamePlace(as: wanted) } ?? false
      }.compactMap { remove($0.id.name) })
    // Asked once for all: a restart of a thousand tenants must not ask a thousand times.
    let holds = await openHolds()
    for wanted in load.tenants {
      applied += adopt(wanted, orders: orders, holds)
    }
    var leaving: [SupervisedTenant] = []
    let names = Set(load.tenants.map(\.id.name))
    for name in tenants.keys.sorted() where !names.contains(name) && !kept.contains(name) {
      leaving += [remove(name)].compactMap { $0 }
      applied.append("\(name): removed")
    }
    await giveBack(leaving)
    // Only where every file could be told whose it is: a tenant that nobody can read is not gone.
    if load.refused.allSatisfy({ $0.tenant != nil }) { await bindStrangers(sparing: kept.union(tenants.keys)) }
    let repositories = tenants.values.flatMap { Set($0.configuration.repositories.values) }
    repositoryNamers = Dictionary(repositories.map { ($0, 1) }, uniquingKeysWith: +)
    standing = nil
    await followPrices()
    await refreshBudgets()
    for line in applied { say(line) }
    if !fleet.required.isEmpty, !applied.isEmpty { tellMissingGuards() }
    changed(.tenants)
    deliverAsks()
    admitWorkers()
    if mustDrain { finishDrain() }
    return ReloadOutcome(applied: applied, refused: load.refused.map(Self.row))
  }

  private func adopt(
    _ wanted: TenantConfiguration, orders: [OrderRecord], _ holds: [String: [OpenReservation]]?
  ) -> [String] {
    let name = wanted.id.name
    let interval = Double(wanted.interval.components.seconds) + Double(wanted.interval.components.attoseconds) / 1e18
    var lines: [String] = []
    if let known = tenants[name] {
      guard known.configuration != wanted else { return applyOrders(orders, to: name) }
      tenants[name]?.configuration = wanted
      tenants[name]?.state.interval = interval
      limitAnew(name)
      tryAgain(name)
      lines.append("\(name): changed")
    } else {
      tenants[name] = SupervisedTenant(
        id: wanted.id, configuration: wanted, state: TenantState(interval: interval))
      tenants[name]?.state.ledgerTrouble = ledgerTrouble
      if let holds {
        tenants[name]?.mayHoldDecides = false
        tenants[name]?.know(holds[name] ?? [])
      }
      lines.append("\(name): added")
    }
    lines += applyOrders(orders, to: name)
    if knowsOrders { recallHeldStill(name) }
    reconcile(name, .touched)
    return lines
  }

  @discardableResult
  func applyOrders(_ orders: [OrderRecord], to name: String) -> [String] {
    guard let tenant = tenants[name] else { return [] }
    let mine = orders.filter { $0.scope == .tenant(tenant.id) || $0.scope == .fleet }
    // Fail closed: while nobody can tell what was paused or frozen, nothing beats; the mailbox is still read.
    tenants[name]?.state.ordersUnknown = !knowsOrders
    tenants[name]?.state.drained = draining
    tenants[name]?.state.paused = !knowsOrders || tenant.configuration.isPaused || mine.contains { $0.order == .pause }
    // Who was known to be frozen stays so.
    if knowsOrders {
      tenants[name]?.state.frozen = tenant.state.heldStill != nil || mine.contains { $0.order == .freeze }
    }
    return []
  }

  func standingOrders() async -> [OrderRecord] {
    switch await ledger.perform({ try $0.orders() }) {
    case .success(let orders):
      knowsOrders = true
      return orders
    case .failure(let error):
      ledgerFailed(error)
      return []
    }
  }

  /// After the ledger could not be read for a while.
  func obeyStandingOrders() async {
    let orders = await standingOrders()
    let mustDrain = obeyDrain(orders)
    for name in tenants.keys.sorted() {
      applyOrders(orders, to: name)
      if knowsOrders { recallHeldStill(name) }
      if tenants[name]?.state.frozen == false { schedule(name, in: 0) }
    }
    if mustDrain { finishDrain() }
  }

  /// Ends what the fleet does for a tenant. Its live workers go on by themselves.
  private func remove(_ name: String) -> SupervisedTenant? {
    guard let tenant = tenants.removeValue(forKey: name) else { return nil }
    wishful.remove(name)
    if let beat = tenant.beat { SessionProcesses.killAll(session: beat.pid) }
    unschedule(name)
    tendings.cancel(name)
    watch.remove(tenant: name)
    log.remove(tenant: name)
    strays.insert(name)
    return tenant
  }

  /// Lets tenants go: the mark goes first, then the lock, so that nobody's pulse meets the one without the other.
  private func giveBack(_ leaving: [SupervisedTenant]) async {
    await withTaskGroup(of: Void.self) { group in
      for tenant in leaving { group.addTask { await self.giveBack(tenant) } }
    }
  }

  func giveBack(_ tenant: SupervisedTenant) async {
    // Without the lock its data dir is somebody else's, or was never ours.
    guard let lock = tenant.lock else { return }
    let words: String?
    if tenant.state.frozen {
      words = "it is frozen; what lives of it stays so until it is configured again and thawed"
    } else if case .failure(let failure) = await helper(
      tenant, ["release"], deadline: Self.releasePatience, expectsDocument: false)
    {
      words = failure.words
    } else {
      words = nil
    }
    if let words {
      let mark = tenant.configuration.dataDirectory.appending(".fleet.json")
      say("\(tenant.id) was not given back: \(words). Its owner may remove \(mark)", level: .warning)
    }
    withExtendedLifetime(lock) {}
  }

  /// Seconds: a reload waits for it.
  private static let releasePatience = 5.0

  private static func row(_ problem: ConfigurationProblem) -> ReloadOutcome.Refused {
    ReloadOutcome.Refused(
      file: problem.file, line: problem.line, tenant: problem.tenant?.name, message: problem.message, hint: problem.hint
    )
  }
}

extension TenantConfiguration {
  fileprivate func isSamePlace(as other: TenantConfiguration) -> Bool {
    dataDirectory == other.dataDirectory && user == other.user
  }
}
