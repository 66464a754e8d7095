package import Tenant

/// One tenant on the status page. All that the fleet keeps of an idle tenant fits into it.
package struct TenantRow: Hashable, Sendable {
  package struct LastBeat: Hashable, Sendable {
    package var at: Int64
    /// A ``TenantReport/Beat/Outcome``, or the fleet's own word for a beat that never reported (`timeout`, `killed`).
    package var outcome: String
    package var durationMS: Double

    package init(at: Int64, outcome: String, durationMS: Double) {
      self.at = at
      self.outcome = outcome
      self.durationMS = durationMS
    }

    package var json: JSON {
      ["at": .int(at), "outcome": .string(outcome), "duration_ms": .double(durationMS)]
    }
  }

  package var name: String
  package var dataDir: String?
  package var user: String?
  package var phase: TenantPhase
  package var reason: String?
  package var lastBeat: LastBeat?
  package var nextBeatAt: Int64?
  package var workers: FleetDocument.WorkerCounts
  package var budget: TenantBudget?
  package var asksPending: Int
  package var oldestAskSeconds: Int64?
  package var sandboxes: Int
  package var diskBytes: Int64?
  /// nil where no control group counts it.
  package var use: TenantUse?
  package var limits: TenantLimits
  /// Of the disk, all together; nil where it has no limit, or nobody looked yet.
  package var occupiedBytes: Int64?

  package init(
    name: String, dataDir: String?, user: String?, phase: TenantPhase, reason: String? = nil, lastBeat: LastBeat? = nil,
    nextBeatAt: Int64? = nil, workers: FleetDocument.WorkerCounts = .init(), budget: TenantBudget? = nil,
    asksPending: Int = 0, oldestAskSeconds: Int64? = nil, sandboxes: Int = 0, diskBytes: Int64? = nil,
    use: TenantUse? = nil, limits: TenantLimits = TenantLimits(), occupiedBytes: Int64? = nil
  ) {
    self.name = name
    self.dataDir = dataDir
    self.user = user
    self.phase = phase
    self.reason = reason
    self.lastBeat = lastBeat
    self.nextBeatAt = nextBeatAt
    self.workers = workers
    self.budget = budget
    self.asksPending = asksPending
    self.oldestAskSeconds = oldestAskSeconds
    self.sandboxes = sandboxes
    self.diskBytes = diskBytes
    self.use = use
    self.limits = limits
    self.occupiedBytes = occupiedBytes
  }

  package var json: JSON {
    [
      "name": .string(name), "data_dir": .optional(dataDir), "user": .optional(user), "phase": .string(phase.rawValue),
      "reason": .optional(reason), "last_beat": lastBeat?.json ?? .null, "next_beat_at": .optional(nextBeatAt),
      "workers": workers.json, "budget": budget?.json ?? .null,
      "asks": ["pending": .int(Int64(asksPending)), "oldest_s": .optional(oldestAskSeconds)],
      "sandboxes": .int(Int64(sandboxes)), "disk_bytes": .optional(diskBytes),
      "cpu": use?.cpuJSON ?? .null, "memory_bytes": .optional(use?.memoryBytes),
      "processes": .optional(use?.processes), "limits": limits.json,
      "occupied_bytes": .optional(occupiedBytes),
    ]
  }
}

extension TenantRow {
  package init?(json: JSON) {
    guard let name = json["name"]?.string, let phase = json["phase"]?.string.flatMap(TenantPhase.init(rawValue:)) else {
      return nil
    }
    self.init(
      name: name, dataDir: json["data_dir"]?.string, user: json["user"]?.string, phase: phase,
      reason: json["reason"]?.string,
      lastBeat: json["last_beat"].flatMap { beat in
        beat["at"]?.int.map {
          LastBeat(at: $0, outcome: beat["outcome"]?.string ?? "", durationMS: beat["duration_ms"]?.double ?? 0)
        }
      },
      nextBeatAt: json["next_beat_at"]?.int, workers: .init(json: json["workers"]),
      budget: json["budget"].flatMap(TenantBudget.init(json:)), asksPending: Int(json["asks"]?["pending"]?.int ?? 0),
      oldestAskSeconds: json["asks"]?["oldest_s"]?.int, sandboxes: Int(json["sandboxes"]?.int ?? 0),
      diskBytes: json["disk_bytes"]?.int, use: TenantUse(row: json), limits: TenantLimits(json: json["limits"]),
      occupiedBytes: json["occupied_bytes"]?.int)
  }
}

/// Where a tenant stands today on each axis. Money in micro-dollars; a cap of nil is no cap.
package struct TenantBudget: Hashable, Sendable {
  package struct Axis: Hashable, Sendable {
    package var spent: Int64
    package var reserved: Int64
    package var cap: Int64?

    package init(spent: Int64 = 0, reserved: Int64 = 0, cap: Int64? = nil) {
      self.spent = spent
      self.reserved = reserved
      self.cap = cap
    }

    var json: JSON { ["spent": .int(spent), "reserved": .int(reserved), "cap": .optional(cap)] }
    var moneyJSON: JSON { ["spent": .usd(spent), "reserved": .usd(reserved), "cap": .usd(cap)] }
  }

  /// The date in the tenant's time zone, `2026-06-30`.
  package var day: String
  package var resetsAt: Int64
  package var usd: Axis
  package var tokens: Axis
  package var decides: Axis
  /// One word: `open`, `warning` (80 % of some cap), `held` (some cap is used up), `unknown` (the ledger cannot be read).
  package var state: String

  package init(day: String, resetsAt: Int64, usd: Axis, tokens: Axis, decides: Axis, state: String) {
    self.day = day
    self.resetsAt = resetsAt
    self.usd = usd
    self.tokens = tokens
    self.decides = decides
    self.state = state
  }

  package var json: JSON {
    [
      "day": .string(day), "resets_at": .int(resetsAt), "usd": usd.moneyJSON, "tokens": tokens.json,
      "decides": decides.json, "state": .string(state),
    ]
  }
}

extension TenantBudget {
  package init?(json: JSON) {
    guard let day = json["day"]?.string else { return nil }
    func axis(_ key: String, _ read: (JSON) -> Int64?) -> Axis {
      let json = json[key]
      return Axis(
        spent: json?["spent"].flatMap(read) ?? 0, reserved: json?["reserved"].flatMap(read) ?? 0,
        cap: json?["cap"].flatMap(read))
    }
    self.init(
      day: day, resetsAt: json["resets_at"]?.int ?? 0, usd: axis("usd", \.microUSD), tokens: axis("tokens", \.int),
      decides: axis("decides", \.int), state: json["state"]?.string ?? "unknown")
  }

  /// The ledger's view of a day, as the status page shows it.
  package init(_ state: BudgetState) {
    func axis(_ axis: BudgetAxis) -> Axis {
      Axis(spent: state[axis].spent, reserved: state[axis].reserved, cap: state[axis].cap)
    }
    self.init(
      day: state.day.date.description, resetsAt: state.day.resetsAt, usd: axis(.usd), tokens: axis(.tokens),
      decides: axis(.decides), state: state.standing.rawValue)
  }
}

/// A tenant by itself: its row, and what it is configured to be. `GET /v1/tenants/{name}`.
package struct TenantDetail: Hashable, Sendable {
  package var row: TenantRow
  package var uid: UInt32
  package var intervalSeconds: Int64
  package var weight: Int64
  package var timeZone: String
  /// Repository name → path.
  package var repos: [String: String]
  /// What its last report named as wrong.
  package var problems: [String]

  package init(
    row: TenantRow, uid: UInt32, intervalSeconds: Int64, weight: Int64, timeZone: String, repos: [String: String],
    problems: [String] = []
  ) {
    self.row = row
    self.uid = uid
    self.intervalSeconds = intervalSeconds
    self.weight = weight
    self.timeZone = timeZone
    self.repos = repos
    self.problems = problems
  }

  package var json: JSON {
    var json = row.json
    json["uid"] = .int(Int64(uid))
    json["interval_s"] = .int(intervalSeconds)
    json["weight"] = .int(weight)
    json["time_zone"] = .string(timeZone)
    json["repos"] = .object(repos.mapValues(JSON.string))
    json["problems"] = .array(problems.map(JSON.string))
    return json
  }
}
