import Logging
import SystemPackage
import Tenant

/// What live workers cost: their transcripts are read while they run. They are the tenant's word and are read as the tenant.
extension Supervisor {
  /// Meters the workers of each tenant, one reading of a tenant at a time.
  func meterAll() {
    for name in tenants.keys.sorted() where !draining {
      guard let tenant = tenants[name], tenant.state.lease == .held, !tenant.state.frozen, !tenant.liveWorkers.isEmpty,
        !tenant.holds.isMetering
      else { continue }
      tenants[name]?.holds.isMetering = true
      begin { fleet in
        await fleet.meterWorkers(name)
        fleet.tenants[name]?.holds.isMetering = false
      }
    }
  }

  private func meterWorkers(_ name: String) async {
    await adoptUnpaid(name)
    guard let all = tenants[name]?.holds.nextPass(), let tenant = tenants[name] else { return }
    var metered: [(id: ReservationID, charges: [Charge])] = []
    var parked: [ParkedAccount] = []
    for worker in tenant.liveWorkers {
      guard let hold = tenant.holds.open[worker.record.generation], all || isPaid(hold, tenant) else { continue }
      // A helper that fails now is asked again in a while; its worker's hold stands meanwhile.
      guard case .success(let finding) = await transcripts(of: worker.record, tenant) else { continue }
      let today = tenant.configuration.zone.date(at: clock.now)
      metered.append((hold.id, TranscriptCharges.of(finding.transcripts, prices: prices, on: today)))
      parked += finding.transcripts.compactMap {
        ParkedAccount(tenant: tenant.id, transcript: $0, now: clock.now, zone: tenant.configuration.zone)
      }
    }
    let (rules, fleetRules, owner, now) = (rules(of: tenant), fleetRules, tenant.id, ClockReading.now(clock))
    let (readings, turnedAway) = (metered, parked)
    let result = await ledger.perform { ledger in
      for account in turnedAway { try ledger.park(account) }
      for reading in readings where !reading.charges.isEmpty {
        try ledger.meter(
          reading.id, of: owner, charges: reading.charges, tenant: rules, fleet: fleetRules, now: now)
      }
      return try [rules, fleetRules].map { rules in
        let state = try ledger.state(rules, now: now)
        return MoneyLeft(rules: rules, state: state, since: try ledger.breachedSince(rules, state: state, now: now))
      }
    }
    switch result {
    case .failure(let error): await ledgerRefused(error, name)
    case .success(let left):
      ledgerAnswered()
      await sweepHome(name)
      await refreshSpending(name)
      await refreshBudget(name)
      for money in left { await judge(money, name, now: now) }
    }
  }

  func isPaid(_ hold: OpenReservation, _ tenant: SupervisedTenant) -> Bool {
    guard hold.request.isFree, let spent = tenant.holds.spent else { return true }
    return spent[hold.request.worker ?? "", default: 0] > 0
  }

  func transcripts(
    of record: WorkerRecord, _ tenant: SupervisedTenant
  ) async -> Result<TranscriptFinder.Finding, HelperRun.Failure> {
    switch await helper(tenant, ["usage", "--worker", record.id, "--json"]) {
    case .failure(let failure): return .failure(failure)
    case .success(let json):
      guard var finding = TranscriptFinder.Finding(json: json) else {
        return .failure(HelperRun.Failure(description: "its usage has an unknown shape"))
      }
      if finding.unread.contains("opencode") { await readOpencode(into: &finding, of: record, tenant) }
      return .success(finding)
    }
  }

  /// The one source that needs SQLite: a helper of ours reads it, as the tenant. Where it cannot, it stays unread and its worker's
  /// hold stands.
  private func readOpencode(
    into finding: inout TranscriptFinder.Finding, of record: WorkerRecord, _ tenant: SupervisedTenant
  ) async {
    let request: JSON = [
      "directory": .string(record.sandbox ?? tenant.configuration.dataDirectory.string),
      "since": .int(record.startedAt ?? record.requestedAt), "excluding": .array(finding.excluded.map(JSON.string)),
    ]
    let answer = await helper(
      tenant, ["_opencode"], program: programs.fleet, input: Array(request.compact.utf8))
    guard case .success(let json) = answer, json["ok"]?.bool == true, let found = json["transcripts"]?.array else {
      return
    }
    finding.transcripts += found.compactMap(Transcript.init(json:))
    finding.unread.removeAll { $0 == "opencode" }
  }
}
