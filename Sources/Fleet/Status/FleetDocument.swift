package import Tenant

/// The whole fleet on one page: `status --json`, `GET /v1/status`. Its keys are an interface: they are added to, never changed.
package struct FleetDocument: Hashable, Sendable {
  package struct Guard: Hashable, Sendable {
    package var name: String
    package var enforced: Bool
    package var detail: String

    package init(name: String, enforced: Bool, detail: String) {
      self.name = name
      self.enforced = enforced
      self.detail = detail
    }

    package var json: JSON { ["name": .string(name), "enforced": .bool(enforced), "detail": .string(detail)] }
  }

  package struct WorkerCounts: Hashable, Sendable {
    package var live: Int
    package var pending: Int
    /// nil: no limit.
    package var max: Int?

    package init(live: Int = 0, pending: Int = 0, max: Int? = nil) {
      self.live = live
      self.pending = pending
      self.max = max
    }

    package var json: JSON {
      ["live": .int(Int64(live)), "pending": .int(Int64(pending)), "max": .optional(max)]
    }
  }

  /// Whether tenants are kept apart by Unix users.
  package enum Isolation: String, Sendable, CaseIterable { case user, shared }

  package var pid: Int32
  package var version: String
  package var uptimeSeconds: Int64
  package var isolation: Isolation
  package var beatsInFlight: Int
  package var decidesInFlight: Int
  package var workers: WorkerCounts
  package var asksPending: Int
  /// Micro-dollars.
  package var spentToday: Int64
  package var guards: [Guard]
  package var tenants: [TenantRow]

  package init(
    pid: Int32, version: String, uptimeSeconds: Int64, isolation: Isolation, beatsInFlight: Int, decidesInFlight: Int,
    workers: WorkerCounts, asksPending: Int, spentToday: Int64, guards: [Guard], tenants: [TenantRow]
  ) {
    self.pid = pid
    self.version = version
    self.uptimeSeconds = uptimeSeconds
    self.isolation = isolation
    self.beatsInFlight = beatsInFlight
    self.decidesInFlight = decidesInFlight
    self.workers = workers
    self.asksPending = asksPending
    self.spentToday = spentToday
    self.guards = guards
    self.tenants = tenants
  }

  package var json: JSON {
    [
      "fleet": [
        "pid": .int(Int64(pid)), "version": .string(version), "uptime_s": .int(uptimeSeconds),
        "isolation": .string(isolation.rawValue), "beats_in_flight": .int(Int64(beatsInFlight)),
        "decides_in_flight": .int(Int64(decidesInFlight)), "workers": workers.json,
        "asks_pending": .int(Int64(asksPending)), "usd_today": .usd(spentToday),
        "guards": .array(guards.map(\.json)),
      ],
      "tenants": .array(tenants.map(\.json)),
    ]
  }

  /// `status`: 0 all well, 1 some tenant held, degraded, quarantined or foreign.
  package var exitStatus: Int32 { tenants.allSatisfy(\.phase.isWell) ? 0 : 1 }
}

extension JSON {
  /// Micro-dollars as USD: money is a number of dollars on every wire of ours, and an integer everywhere else.
  package static func usd(_ micro: Int64) -> JSON { .double(Double(micro) / 1_000_000) }
  package static func usd(_ micro: Int64?) -> JSON { micro.map { .usd($0) } ?? .null }
}
