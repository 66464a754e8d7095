/// Everything a fleet learns of a tenant, in one document that a process of the tenant prints. It is a tenant's word: whoever
/// reads it bounds it and believes nothing about other tenants from it.
package struct TenantReport: Hashable, Sendable {
  package struct Beat: Hashable, Sendable {
    package enum Outcome: String, Sendable, CaseIterable {
      /// The world is as at the last decision: no runner.
      case unchanged
      /// A decision was taken and its move carried out.
      case decided
      /// The decision was to do nothing.
      case noop
      /// A gate said no for now (backoff, hourly cap, unreadable state).
      case idle
      /// The budget said no.
      case held
      case failed
    }
    package var outcome: Outcome
    package var reason: String?
    package var durationMS: Double
    package var runID: String?
    package var action: String?
    /// The loop's own wish for its next beat (`.next-wake.json`).
    package var nextWakeAt: Int64?
    package var fails: Int
    /// Somebody changed what the loop goes by while it decided: it looks again at once.
    package var isOutdated = false

    package init(
      outcome: Outcome, reason: String? = nil, durationMS: Double = 0, runID: String? = nil, action: String? = nil,
      nextWakeAt: Int64? = nil, fails: Int = 0
    ) {
      self.outcome = outcome
      self.reason = reason
      self.durationMS = durationMS
      self.runID = runID
      self.action = action
      self.nextWakeAt = nextWakeAt
      self.fails = fails
    }
  }

  package struct Ask: Hashable, Sendable {
    package var id: String
    package var worker: String
    package var goal: String?
    package var prompt: String
    package var ts: Int64
    package var reference: String?
    package var options: [String]
    package var irreversible: Bool
    /// `nil` for what the loop itself asks.
    package var workerAlive: Bool?

    package init(
      id: String, worker: String, goal: String?, prompt: String, ts: Int64, reference: String?, options: [String],
      irreversible: Bool, workerAlive: Bool?
    ) {
      self.id = id
      self.worker = worker
      self.goal = goal
      self.prompt = prompt
      self.ts = ts
      self.reference = reference
      self.options = options
      self.irreversible = irreversible
      self.workerAlive = workerAlive
    }
  }

  package struct Worker: Hashable, Sendable {
    package var record: WorkerRecord
    package var health: String?
    package var exitCode: Int64?
    package var endedAt: Int64?

    package init(record: WorkerRecord, health: String?, exitCode: Int64?, endedAt: Int64? = nil) {
      self.record = record
      self.health = health
      self.exitCode = exitCode
      self.endedAt = endedAt
    }
  }

  package var dataDir: String
  package var at: Int64
  package var beat: Beat?
  package var asks: [Ask]
  package var workers: [Worker]
  /// What is wrong here, in words: a broken config, unreadable records.
  package var problems: [String]

  package init(dataDir: String, at: Int64, beat: Beat?, asks: [Ask], workers: [Worker], problems: [String]) {
    self.dataDir = dataDir
    self.at = at
    self.beat = beat
    self.asks = asks
    self.workers = workers
    self.problems = problems
  }
}
