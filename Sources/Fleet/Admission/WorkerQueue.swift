/// A worker that somebody wants and that has not started.
package struct WorkerRequest: Sendable, Hashable {
  package let tenant: TenantID
  package let worker: String
  /// Unix seconds, as its record says.
  package let requestedAt: Int64

  package init(tenant: TenantID, worker: String, requestedAt: Int64) {
    self.tenant = tenant
    self.worker = worker
    self.requestedAt = requestedAt
  }
}

/// What a tenant may have and has.
package struct WorkerShare: Sendable, Hashable {
  /// Live workers allowed; nil: only the fleet's cap.
  package let quota: Int?
  package let weight: Int
  /// Starting and running.
  package let live: Int
  /// Why this tenant starts nothing now (held, paused, frozen …), in words.
  package let hold: String?

  package init(quota: Int?, weight: Int, live: Int, hold: String? = nil) {
    self.quota = quota
    self.weight = max(1, weight)
    self.live = live
    self.hold = hold
  }
}

/// A wish that waits: where it stands and what it waits for.
package struct PendingWorker: Sendable, Hashable {
  package let wish: WorkerRequest
  /// 1 is next of its tenant.
  package let position: Int
  package let reason: String
}

/// Which wishes start now and where the others stand. Decided anew each time from what lives and what is wanted, so there is no
/// queue that a crash could lose.
///
/// Within a tenant in the order of the requests. Between tenants the one with the fewest live workers for its weight goes first; no
/// place stays empty while anybody may take it.
package struct WorkerQueue: Sendable {
  package struct Plan: Sendable, Hashable {
    package let start: [WorkerRequest]
    package let pending: [PendingWorker]
  }

  package let fleetMaximum: Int?

  package init(fleetMaximum: Int?) { self.fleetMaximum = fleetMaximum }

  package func plan(wishes: [WorkerRequest], shares: [TenantID: WorkerShare]) -> Plan {
    var queues = Dictionary(grouping: wishes, by: \.tenant).mapValues { $0.sorted(by: Self.isEarlier) }
    var live = shares.mapValues(\.live)
    var total = live.values.reduce(0, +)
    var start: [WorkerRequest] = []
    while total < fleetMaximum ?? .max, let tenant = next(queues: queues, live: live, shares: shares) {
      guard let wish = queues[tenant]?.removeFirst() else { break }
      start.append(wish)
      live[tenant, default: 0] += 1
      total += 1
    }
    let pending = queues.sorted { $0.key < $1.key }.flatMap { tenant, waiting in
      let reason = Self.reason(share: shares[tenant], live: live[tenant] ?? 0, total: total, fleetMaximum: fleetMaximum)
      return waiting.enumerated().map { PendingWorker(wish: $1, position: $0 + 1, reason: reason) }
    }
    return Plan(start: start, pending: pending)
  }

  private func next(
    queues: [TenantID: [WorkerRequest]], live: [TenantID: Int], shares: [TenantID: WorkerShare]
  ) -> TenantID? {
    var best: (tenant: TenantID, live: Int, weight: Int, wish: WorkerRequest)?
    for (tenant, waiting) in queues {
      guard let wish = waiting.first, let share = shares[tenant], share.hold == nil else { continue }
      let used = live[tenant] ?? 0
      guard used < share.quota ?? .max else { continue }
      if let rival = best {
        // used/weight compared without division.
        let (mine, theirs) = (used * rival.weight, rival.live * share.weight)
        guard mine != theirs ? mine < theirs : Self.isEarlier(wish, rival.wish) else { continue }
      }
      best = (tenant, used, share.weight, wish)
    }
    return best?.tenant
  }

  private static func reason(share: WorkerShare?, live: Int, total: Int, fleetMaximum: Int?) -> String {
    guard let share else { return "its tenant is not in the configuration" }
    if let hold = share.hold { return hold }
    if let quota = share.quota, live >= quota { return "the tenant's quota is in use (\(live) of \(quota) live)" }
    return "the fleet is full (\(total) of \(fleetMaximum.map(String.init) ?? "any") live)"
  }

  private static func isEarlier(_ left: WorkerRequest, _ right: WorkerRequest) -> Bool {
    (left.requestedAt, left.tenant.name, left.worker) < (right.requestedAt, right.tenant.name, right.worker)
  }
}
