import Logging
import SystemPackage
import Tenant

/// What is wanted: read from the configuration at the start and at every reload, tenant by tenant, keeping the last good form of
/// what is refused.
extension Supervisor {
  func applyConfiguration() async -> ReloadOutcome {
    let load = ConfigurationDirectory.load(at: paths.configuration)
    refused = load.refused
    for problem in load.refused { say("\(problem): refused", about: problem.tenant?.name, level: .warning) }
    if let wanted = load.fleet {
      fleet = wanted
      prices = wanted.prices
    }
    beatGate.capacity = fleet.maximumBeats
    decideGate.capacity = fleet.maximumDecides
    let orders = await standingOrders()
    // A tenant whose own file was refused keeps its last good form: a typing error stops nobody.
    let kept = Set(load.refused.compactMap { $0.tenant?.name })
    let users = load.tenants.map(\.user) + kept.map { tenants[$0]?.configuration.user }
    namesakes = Dictionary(users.map { ($0 ?? "", 1) }, uniquingKeysWith: +)
    self.users = [:]
    var applied: [String] = []
    for wanted in load.tenants {
      applied += adopt(wanted, orders: orders)
    }
    let names = Set(load.tenants.map(\.id.name))
    for name in tenants.keys.sorted() where !names.contains(name) && !kept.contains(name) {
      await remove(name)
      applied.append("\(name): removed")
    }
    let repositories = tenants.values.flatMap { Set($0.configuration.repositories.values) }
    repositoryNamers = Dictionary(repositories.map { ($0, 1) }, uniquingKeysWith: +)
    await refreshBudgets()
    for line in applied { say(line) }
    if !fleet.required.isEmpty, !applied.isEmpty { tellMissingGuards() }
    changed(.tenants)
    deliverAsks()
    admitWorkers()
    return ReloadOutcome(applied: applied, refused: load.refused.map(Self.row))
  }

  private func adopt(_ wanted: TenantConfiguration, orders: [OrderRecord]) -> [String] {
    let name = wanted.id.name
    let interval = Double(wanted.interval.components.seconds) + Double(wanted.interval.components.attoseconds) / 1e18
    var lines: [String] = []
    if let known = tenants[name] {
      guard known.configuration != wanted else { return applyOrders(orders, to: name) }
      tenants[name]?.configuration = wanted
      tenants[name]?.state.interval = interval
      // Another place or user is another tenant under an old name: begin anew there.
      if known.configuration.dataDirectory != wanted.dataDirectory || known.configuration.user != wanted.user {
        release(name)
        tenants[name]?.state = TenantState(interval: interval)
        tenants[name]?.report = nil
        wishful.remove(name)
      }
      // What was wrong may be mended: try at once.
      tenants[name]?.state.failures = 0
      if case .unavailable = tenants[name]?.state.lease { tenants[name]?.state.lease = .none }
      lines.append("\(name): changed")
    } else {
      tenants[name] = SupervisedTenant(
        id: wanted.id, configuration: wanted, state: TenantState(interval: interval))
      lines.append("\(name): added")
    }
    lines += applyOrders(orders, to: name)
    reconcile(name, .touched)
    return lines
  }

  @discardableResult
  func applyOrders(_ orders: [OrderRecord], to name: String) -> [String] {
    guard let tenant = tenants[name] else { return [] }
    let mine = orders.filter { $0.scope == .tenant(tenant.id) || $0.scope == .fleet }
    // Fail closed: while nobody can tell what was paused or frozen, nothing beats; the mailbox is still read.
    tenants[name]?.state.ordersUnknown = !knowsOrders
    tenants[name]?.state.paused = !knowsOrders || tenant.configuration.isPaused || mine.contains { $0.order == .pause }
    tenants[name]?.state.frozen = mine.contains { $0.order == .freeze }
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
    for name in tenants.keys.sorted() {
      applyOrders(orders, to: name)
      if tenants[name]?.state.frozen == false { schedule(name, in: 0) }
    }
  }

  /// Lets a tenant go: its lock is free again, its live workers go on by themselves.
  private func remove(_ name: String) async {
    if let beat = tenants[name]?.beat { SessionProcesses.killAll(session: beat.pid) }
    release(name)
    tenants[name] = nil
    wishful.remove(name)
    log.remove(tenant: name)
  }

  private func release(_ name: String) {
    unschedule(name)
    tendings.cancel(name)
    watch.remove(tenant: name)
    tenants[name]?.lock = nil
    tenants[name]?.followed = []
  }

  private static func row(_ problem: ConfigurationProblem) -> ReloadOutcome.Refused {
    ReloadOutcome.Refused(
      file: problem.file, line: problem.line, tenant: problem.tenant?.name, message: problem.message, hint: problem.hint
    )
  }
}
