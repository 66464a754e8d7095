import Tenant

/// `worker list`: the pulse first, then the workers.
struct WorkersTable {
  var pulse: SessionSummary
  var workers: [SessionSummary]
  /// Wishes that a fleet has not started yet.
  var pending: [WorkerRecord] = []

  static let headings = ["ID", "HEALTH", "STATE", "IDLE", "UP", "ASK", "VERIFY"]

  static func read(_ context: Context, all: Bool) throws -> WorkersTable {
    let data = context.data
    let now = context.clock.now
    let sessions = try Sessions.list(data)
    let summaries = SessionSummaries.workers(
      data, sessions: sessions, pending: Asks(data).pending().asks, now: now,
      stuckAfter: context.number("LOOOP_WORKER_STUCK_SECS").map(Int64.init) ?? Health.stuckAfter)
    let live = summaries.filter(\.alive)
    let dead = all ? summaries.filter { !$0.alive } : []
    let records = WorkerRecords(data)
    let wishes = try records.ids().compactMap { records.read($0).record }.filter { $0.phase == .pending }
    return WorkersTable(
      pulse: SessionSummaries.pulse(data, sessions: sessions, now: now), workers: live + dead,
      pending: wishes.filter { wish in !live.contains { $0.id == wish.id } })
  }

  var rows: [[String]] {
    let pendingRows = pending.map { [$0.id, "pending", "pending", "-", "-", "-", "-"] }
    return ([pulse] + workers).map(Self.row) + pendingRows
  }

  static func row(_ session: SessionSummary) -> [String] {
    let state = session.exitCode.map { "exit \($0)" } ?? session.state
    let verify =
      switch session.verify {
      case true?: "pass"
      case false?: "FAIL"
      case nil: "-"
      }
    return [
      session.id, session.health, state, Age.short(session.idleSeconds), Age.short(session.uptimeSeconds),
      Age.short(session.askAgeSeconds), verify,
    ]
  }

  func lines(columns: Int) -> [String] {
    var table = TextTable(Self.headings)
    table.rows = rows
    return table.lines(columns: columns)
  }

  var json: JSON {
    let wishes: [JSON] = pending.map {
      [
        "id": .string($0.id), "state": "pending", "alive": false, "exit_code": .null, "health": "pending",
        "idle_s": .null,
        "uptime_s": .null, "ask_age_s": .null,
      ]
    }
    return .array(([pulse] + workers).map(Self.json) + wishes)
  }

  private static func json(_ session: SessionSummary) -> JSON {
    [
      "id": .string(session.id), "state": .string(session.state), "alive": .bool(session.alive),
      "exit_code": .optional(session.exitCode), "health": .string(session.health),
      "idle_s": .optional(session.idleSeconds), "uptime_s": .optional(session.uptimeSeconds),
      "ask_age_s": .optional(session.askAgeSeconds),
    ]
  }
}
