import Logging
import SystemPackage
import Tenant

/// Agents that neither a worker nor a decide accounts for: started from a sensor, from a command, or by a worker in another directory. Their
/// sessions lie in the tenant's own runner home, and are charged to the tenant as unattributed.
extension Supervisor {
  /// So many in one round: a fleet of idle tenants is gone through bit by bit.
  private static let homesEachRound = 64

  /// Every tenant now and then; where workers live, each metering does it.
  func sweepHomes() async {
    guard ledgerTrouble == nil, !draining,
      case .success(let notes) = await ledger.perform({ try $0.notes(prefix: HomeSweep.prefix) })
    else { return }
    let now = clock.now
    var due: [(name: String, last: Int64)] = []
    var new: [TenantID] = []
    for (name, tenant) in tenants where tenant.state.lease == .held && !tenant.state.frozen {
      guard let sweep = notes[HomeSweep.key(tenant.id)].flatMap(HomeSweep.init) else {
        new.append(tenant.id)
        continue
      }
      if sweep.isDue(at: now), tenant.liveWorkers.isEmpty { due.append((name, sweep.last)) }
    }
    if !new.isEmpty {
      let result = await ledger.perform { [new] ledger in
        for tenant in new { try ledger.note(HomeSweep.key(tenant), HomeSweep(begun: now, last: now).text) }
      }
      if case .failure(let error) = result { ledgerFailed(error) }
    }
    for (name, _) in due.sorted(by: { ($0.last, $0.name) < ($1.last, $1.name) }).prefix(Self.homesEachRound) {
      begin { await $0.sweepHome(name) }
    }
  }

  func sweepHome(_ name: String) async {
    guard let tenant = tenants[name], !tenant.isSweeping, hasHomeOfItsOwn(tenant) else { return }
    tenants[name]?.isSweeping = true
    defer { tenants[name]?.isSweeping = false }
    let (id, key, now) = (tenant.id, HomeSweep.key(tenant.id), ClockReading.now(clock))
    guard let note = try? await ledger.perform({ try $0.note(key) }).get(), let sweep = HomeSweep(note) else { return }
    // A helper that fails is asked again, from where the last look ended.
    guard
      case .success(let json) = await helper(tenant, ["usage", "--unclaimed-since", String(sweep.since), "--json"]),
      let finding = TranscriptFinder.Finding(json: json)
    else { return }
    let (rules, fleetRules) = (rules(of: tenant), fleetRules)
    let charges = TranscriptCharges.of(
      finding.transcripts, prices: prices, on: tenant.configuration.zone.date(at: now.wall))
    let result = await ledger.perform { ledger in
      try ledger.bookUnattributed(charges, of: id, tenant: rules, fleet: fleetRules, now: now)
      try ledger.note(key, HomeSweep(begun: sweep.begun, last: now.wall).text)
    }
    if case .failure(let error) = result { return ledgerFailed(error) }
    if !charges.isEmpty { await refreshBudget(name) }
  }

  /// In a home that tenants share nobody can tell whose a session is.
  private func hasHomeOfItsOwn(_ tenant: SupervisedTenant) -> Bool {
    guard let home = try? confined(tenant).resolvedRunnerHome else { return false }
    return !tenants.values.contains { $0.id != tenant.id && $0.configuration.runnerHome == home }
  }
}
