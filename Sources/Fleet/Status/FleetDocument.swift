package import Tenant

/// The whole fleet on one page: `status --json`, `GET /v1/status`. Its keys are an interface: they are added to, never changed.
package struct FleetDocument: Hashable, Sendable {
  package struct Guard: Hashable, Sendable {
    /// `weaker`: it holds in part, or for some.
    package enum Level: String, Sendable, CaseIterable { case enforced, weaker, absent }

    package var name: String
    package var level: Level
    package var detail: String
    /// What an operator can do about it.
    package var hint: String?

    package init(name: String, level: Level, detail: String, hint: String? = nil) {
      self.name = name
      self.level = level
      self.detail = detail
      self.hint = hint
    }

    package init(name: String, enforced: Bool, detail: String, hint: String? = nil) {
      self.init(name: name, level: enforced ? .enforced : .absent, detail: detail, hint: hint)
    }

    package var enforced: Bool { level == .enforced }

    package var json: JSON {
      [
        "name": .string(name), "enforced": .bool(enforced), "level": .string(level.rawValue), "detail": .string(detail),
        "hint": .optional(hint),
      ]
    }
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
  /// The day of the whole fleet, where it has a cap.
  package var budget: TenantBudget?
  /// What will stop the whole fleet before its day is over, in words.
  package var budgetNote: String?

  package init(
    pid: Int32, version: String, uptimeSeconds: Int64, isolation: Isolation, beatsInFlight: Int, decidesInFlight: Int,
    workers: WorkerCounts, asksPending: Int, spentToday: Int64, guards: [Guard], tenants: [TenantRow],
    budget: TenantBudget? = nil, budgetNote: String? = nil
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
    self.budget = budget
    self.budgetNote = budgetNote
  }

  package var json: JSON {
    [
      "fleet": [
        "pid": .int(Int64(pid)), "version": .string(version), "uptime_s": .int(uptimeSeconds),
        "isolation": .string(isolation.rawValue), "beats_in_flight": .int(Int64(beatsInFlight)),
        "decides_in_flight": .int(Int64(decidesInFlight)), "workers": workers.json,
        "asks_pending": .int(Int64(asksPending)), "usd_today": .usd(spentToday),
        "guards": .array(guards.map(\.json)), "budget": budget?.json ?? .null, "budget_note": .optional(budgetNote),
      ],
      "tenants": .array(tenants.map(\.json)),
    ]
  }

  /// `status`: 0 all well, 1 some tenant held, degraded, quarantined or foreign.
  package var exitStatus: Int32 { tenants.allSatisfy(\.phase.isWell) ? 0 : 1 }
}

extension FleetDocument {
  /// Reads the document back; nil where it is none. Keys that are not known here are a newer fleet's, and are passed over.
  package init?(json: JSON) {
    guard let fleet = json["fleet"], let tenants = json["tenants"]?.array else { return nil }
    self.init(
      pid: fleet["pid"]?.int.flatMap(Int32.init(exactly:)) ?? 0, version: fleet["version"]?.string ?? "",
      uptimeSeconds: fleet["uptime_s"]?.int ?? 0,
      isolation: fleet["isolation"]?.string.flatMap(Isolation.init(rawValue:)) ?? .shared,
      beatsInFlight: Int(fleet["beats_in_flight"]?.int ?? 0),
      decidesInFlight: Int(fleet["decides_in_flight"]?.int ?? 0),
      workers: WorkerCounts(json: fleet["workers"]), asksPending: Int(fleet["asks_pending"]?.int ?? 0),
      spentToday: fleet["usd_today"]?.microUSD ?? 0,
      guards: (fleet["guards"]?.array ?? []).compactMap { item in
        item["name"]?.string.map {
          // An older fleet says no level.
          Guard(
            name: $0,
            level: item["level"]?.string.flatMap(Guard.Level.init(rawValue:))
              ?? (item["enforced"]?.bool == true ? .enforced : .absent), detail: item["detail"]?.string ?? "",
            hint: item["hint"]?.string)
        }
      },
      tenants: tenants.compactMap(TenantRow.init(json:)), budget: fleet["budget"].flatMap(TenantBudget.init(json:)),
      budgetNote: fleet["budget_note"]?.string)
  }
}

extension FleetDocument.WorkerCounts {
  init(json: JSON?) {
    self.init(
      live: Int(json?["live"]?.int ?? 0), pending: Int(json?["pending"]?.int ?? 0), max: json?["max"]?.int.map(Int.init)
    )
  }
}

extension JSON {
  /// USD back to micro-dollars.
  package var microUSD: Int64? {
    guard let dollars = double, dollars.magnitude < 9e12 else { return nil }
    return Int64((dollars * 1_000_000).rounded())
  }

  /// Micro-dollars as USD: money is a number of dollars on every wire of ours, and an integer everywhere else.
  package static func usd(_ micro: Int64) -> JSON { .double(Double(micro) / 1_000_000) }
  package static func usd(_ micro: Int64?) -> JSON { micro.map { .usd($0) } ?? .null }
}
