import Fleet
import Tenant

/// A fleet without processes: what it is told it remembers, and what it holds it shows. The real ``ChangeFeed`` wakes who waits.
actor InMemoryFleet: FleetOperations {
  nonisolated let feed = ChangeFeed(startingAt: 1000)
  var rows: [TenantRow]
  var pending: [MailboxAsk]
  var workerRows: [WorkerRow] = []
  var lines: [LogLine] = []
  var answered: [String: (text: String, by: Caller)] = [:]
  var orders: [String] = []
  let users: [UInt32: Set<String>]

  init(tenants: [String] = ["api", "web"], asks: [MailboxAsk] = [], users: [UInt32: Set<String>] = [:]) {
    rows = tenants.map { Self.row($0) }
    pending = asks
    self.users = users
  }

  static func row(_ name: String, phase: TenantPhase = .running, reason: String? = nil) -> TenantRow {
    TenantRow(
      name: name, dataDir: "/srv/\(name)", user: "alice", phase: phase, reason: reason,
      lastBeat: .init(at: 990, outcome: "unchanged", durationMS: 4.5), nextBeatAt: 1050,
      workers: .init(live: 1, pending: 1, max: 4),
      budget: TenantBudget(
        day: "2026-06-30", resetsAt: 2000, usd: .init(spent: 1_200_000, reserved: 500_000, cap: 20_000_000),
        tokens: .init(spent: 1000, reserved: 0, cap: nil), decides: .init(spent: 3, reserved: 1, cap: 500),
        state: "open"),
      asksPending: 1, oldestAskSeconds: 60, sandboxes: 2, diskBytes: 4096,
      use: TenantUse(cpuSeconds: 12.5, cpuPercent: 40, memoryBytes: 64 << 20))
  }

  static func ask(_ tenant: String, _ id: String, at: Int64 = 900, irreversible: Bool = false) -> MailboxAsk {
    MailboxAsk(
      tenant: tenant, askID: id, worker: "fix", goal: "keep it green", prompt: "May I push?", at: at,
      ageSeconds: 1000 - at, reference: nil, options: ["yes", "no"], irreversible: irreversible, workerAlive: true)
  }

  func arrive(_ ask: MailboxAsk) async {
    pending.append(ask)
    feed.changed([.asks], tenant: ask.tenant)
  }

  func setPhase(_ name: String, _ phase: TenantPhase) async {
    if let index = rows.firstIndex(where: { $0.name == name }) { rows[index].phase = phase }
    feed.changed([.tenants], tenant: name)
  }

  func log(_ text: String, tenant: String?) {
    lines.append(LogLine(sequence: UInt64(lines.count + 1), at: 1000, tenant: tenant, text: text))
  }

  nonisolated func place(ofProcess pid: Int32) async -> PeerPlace { .outside }

  func document() -> FleetDocument {
    FleetDocument(
      pid: 42, version: "9.9.9", uptimeSeconds: 7200, isolation: .user, beatsInFlight: 1, decidesInFlight: 0,
      workers: .init(live: 2, pending: 2, max: 16), asksPending: pending.count, spentToday: 2_400_000,
      guards: [.init(name: "landlock", enforced: false, detail: "the kernel has none", hint: "a newer kernel has it")],
      tenants: rows)
  }

  func asks() -> [MailboxAsk] { Mailbox.sorted(pending) }
  func workers() -> [WorkerRow] { workerRows }
  func sandboxes() -> [SandboxRow] {
    [
      SandboxRow(
        tenant: "web", worker: "fix", repo: "web", path: "/s/web/trees/fix", branch: "looop/fix", state: "in_use",
        reason: "its worker lives", bytes: 4096, createdAt: 900)
    ]
  }
  /// How often somebody looked for changes: a test waits for its waiters with it.
  nonisolated let looks = Locked(0)
  nonisolated func changes(after token: UInt64?) async -> FleetChanges? {
    looks.withLock { $0 += 1 }
    return await feed.changes(after: token)
  }

  func answer(tenant: String, ask: String, text: String, by caller: Caller) async throws(FleetRefusal) {
    guard rows.contains(where: { $0.name == tenant }) else { throw .unknownTenant(tenant) }
    let id = "\(tenant)/\(ask)"
    if let before = answered[id] {
      throw FleetRefusal(.alreadyAnswered, "\(id) was answered by \(before.by.user)", hint: "the first answer wins")
    }
    guard let index = pending.firstIndex(where: { $0.id == id }) else {
      throw FleetRefusal(.noSuchAsk, "there is no ask \(id)", hint: "see `looop-fleet asks`")
    }
    pending.remove(at: index)
    answered[id] = (text, caller)
    feed.changed([.answers], tenant: tenant)
  }

  func answerText(_ id: String) -> String? { answered[id]?.text }
  func answerVia(_ id: String) -> String? { answered[id]?.by.via }

  func kill(tenant: String, worker: String, by: Caller) { orders.append("kill \(tenant)/\(worker)") }
  func pause(tenant: String, by: Caller) { orders.append("pause \(tenant)") }
  func resume(tenant: String, by: Caller) { orders.append("resume \(tenant)") }
  func freeze(tenant: String?, by: Caller) { orders.append("freeze \(tenant ?? "all")") }
  func thaw(tenant: String?, by: Caller) { orders.append("thaw \(tenant ?? "all")") }
  func drain(by: Caller) -> [String] {
    orders.append("drain")
    return ["web/fix"]
  }
  func reload(by: Caller) -> ReloadOutcome {
    ReloadOutcome(
      applied: ["web: added"],
      refused: [
        .init(file: "tenants.d/x.yaml", line: 3, tenant: "x", message: "unknown key `usd`", hint: "did you mean")
      ])
  }
  func raise(tenant: String?, by amount: RaiseAmount, caller: Caller) -> TenantBudget {
    orders.append("raise \(tenant ?? "all") \(amount.microUSD) \(amount.tokens) \(amount.decides)")
    return TenantBudget(
      day: "2026-06-30", resetsAt: 2000, usd: .init(cap: 20_000_000 + amount.microUSD),
      tokens: .init(cap: 1000 + amount.tokens), decides: .init(cap: 500 + amount.decides), state: "open")
  }
  func audit(tenant: String?, limit: Int) -> [AuditRow] {
    [AuditRow(at: 1000, actor: "alice", via: "looop-fleet", action: "budget raise", tenant: tenant, detail: "$5.00")]
  }
  func budget(tenant: String?, days: Int) -> SpendingReport {
    SpendingReport(
      tenants: rows.filter { tenant == nil || $0.name == tenant }.map {
        SpendingReport.Entry(name: $0.name, today: $0.budget, forecast: nil, days: [], shares: [])
      })
  }
  func preflight(tenant: String, repo: String, base: String?) async throws(FleetRefusal) -> PreflightReport {
    PreflightReport(
      json: ["findings": [["name": "commit", "level": "refused", "means": .string("no \(base ?? "HEAD")")]]],
      tenant: tenant,
      repo: repo)
  }
  func diff(tenant: String, worker: String, by: Caller) async throws(FleetRefusal) -> SandboxDiff {
    guard rows.contains(where: { $0.name == tenant }) else { throw .unknownTenant(tenant) }
    return SandboxDiff(
      json: [
        "base_oid": "1111", "tip": "2222", "repo": "web", "commits": [["oid": "2222", "summary": "mend"]], "files": 1,
        "patch": "+two\n",
      ], tenant: tenant, worker: worker)!
  }
  func land(
    tenant: String, worker: String, into branch: String?, dryRun: Bool, by: Caller
  ) async throws(FleetRefusal) -> SandboxLanded {
    orders.append("land \(tenant)/\(worker) \(branch ?? "-")\(dryRun ? " dry" : "")")
    guard branch != "behind" else { throw FleetRefusal(.conflict, "behind has 1 commit that looop/fix lacks") }
    return SandboxLanded(
      json: ["into": .string(branch ?? "main"), "tip": "2222", "dry_run": .bool(dryRun)], tenant: tenant, worker: worker
    )!
  }
  func restore(tenant: String, worker: String, as other: String?, by: Caller) -> SandboxRow {
    orders.append("restore \(tenant)/\(worker) \(other ?? "-")")
    return SandboxRow(
      tenant: tenant, worker: other ?? worker, repo: "web", path: "/s/web/trees/fix", branch: nil, state: "kept",
      reason: "restored", bytes: nil, createdAt: 1000)
  }
  func prune(tenant: String?, dryRun: Bool, by: Caller) -> [PruneRow] {
    [
      PruneRow(
        tenant: "web", worker: "old", path: "/s/web/trees/old", outcome: "removed", reason: "clean and reachable")
    ]
  }
  func logs(tenant: String?, after sequence: UInt64?, limit: Int) -> [LogLine] {
    Array(lines.filter { (tenant == nil || $0.tenant == tenant) && $0.sequence > (sequence ?? 0) }.suffix(limit))
  }
  func knows(tenant: String) -> Bool { rows.contains { $0.name == tenant } }
  nonisolated func tenants(ofUser uid: UInt32) async -> Set<String> { users[uid] ?? [] }
  func samples() -> [MetricSample] {
    [MetricSample("beats_total", help: "Beats.", kind: .counter, labels: ["outcome": "unchanged"], value: 12)]
  }
  func tenant(_ name: String) async throws(FleetRefusal) -> TenantDetail {
    guard let row = rows.first(where: { $0.name == name }) else { throw .unknownTenant(name) }
    return TenantDetail(row: row, uid: 1000, intervalSeconds: 60, weight: 1, timeZone: "Europe/Berlin", repos: [:])
  }
  func runVerb(tenant: String, arguments: [String], stdin: String?, by: Caller) -> VerbOutcome {
    VerbOutcome(exitCode: 0, stdout: arguments.joined(separator: " ") + (stdin ?? ""), stderr: "")
  }
}

extension Caller {
  static func ops() -> Caller { Caller(pid: 1, uid: 0, gid: 0, user: "root", roles: [.ops]) }
  static func concierge() -> Caller { Caller(pid: 2, uid: 2000, gid: 2000, user: "carol", roles: [.concierge]) }
  static func tenant(_ name: String) -> Caller {
    Caller(pid: 3, uid: 1000, gid: 1000, user: "alice", roles: [.tenant], tenants: [name])
  }
  static func stranger() -> Caller { Caller(pid: 4, uid: 3000, gid: 3000, user: "mallory", roles: []) }
}
