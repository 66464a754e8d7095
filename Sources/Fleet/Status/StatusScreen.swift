import Tenant

/// The fleet on one screen: who runs, who is held and why, what waits for a person, and what to type. Pure: the same for `status`
/// and for each repaint of `status --watch`.
package struct StatusScreen: Sendable {
  package var document: FleetDocument
  package var asks: [MailboxAsk]
  package var workers: [WorkerRow]
  package var now: Int64

  package init(document: FleetDocument, asks: [MailboxAsk] = [], workers: [WorkerRow] = [], now: Int64) {
    self.document = document
    self.asks = asks
    self.workers = workers
    self.now = now
  }

  /// How many asks and pending workers are spelled out; `asks` and `workers` tell all.
  package static let listed = 8

  /// `height` bounds a live screen; the tenants that need somebody come first, so that the cut never hides them.
  package func lines(width: Int, height: Int? = nil, paint: Paint) -> [String] {
    var lines = header(width: width, paint: paint)
    lines += guardLines(width: width, paint: paint)
    let mail = mailLines(width: width, paint: paint)
    var tenants = tenantLines(width: width, paint: paint)
    if let height {
      let room = max(3, height - lines.count - mail.count - 1)
      if tenants.count > room {
        let hidden = tenants.count - room + 1
        tenants = Array(tenants.prefix(room - 1)) + [paint(.faint, "… \(hidden) more lines: `looop-fleet status`")]
      }
    }
    let all = lines + [""] + tenants + mail
    guard let height, all.count > height else { return all }
    return Array(all.prefix(max(1, height)))
  }

  private func header(width: Int, paint: Paint) -> [String] {
    let workers = document.workers
    let max = workers.max.map { " of \($0)" } ?? ""
    let cap = document.budget?.usd.cap.map { " of \(Display.money($0))" } ?? ""
    let parts = [
      "looop-fleet \(document.version)", "pid \(document.pid)", "up \(Display.age(document.uptimeSeconds))",
      "\(document.tenants.count) \(document.tenants.count == 1 ? "tenant" : "tenants")",
      "beats \(document.beatsInFlight)", "decides \(document.decidesInFlight)",
      "workers \(workers.live)\(max)" + (workers.pending > 0 ? " (\(workers.pending) pending)" : ""),
      "asks \(document.asksPending)", "\(Display.money(document.spentToday))\(cap) today",
    ]
    // On a narrow screen the rest goes on below: what waits for a person must not fall off its edge.
    return Display.wrapped(parts, separator: " · ", width: width).map { paint(.strong, $0) }
  }

  private func guardLines(width: Int, paint: Paint) -> [String] {
    var lines: [String] = []
    if document.isolation == .shared {
      let users = Set(document.tenants.compactMap(\.user))
      // One tenant as root, or two with one user, are not all of them.
      let why =
        users.count <= 1
        ? "they all run as one user" : document.guards.first { $0.name == "user" }?.detail ?? "some share a user"
      lines.append("tenants are not isolated from each other: \(why) (`looop-fleet doctor`)")
    }
    // The user guard says the same as the isolation line.
    let missing = document.guards.filter { !$0.enforced && !(document.isolation == .shared && $0.name == "user") }
    switch missing.count {
    case 0: break
    case 1...2:
      lines += missing.map { "\($0.name) is \($0.level == .weaker ? "weaker" : "not enforced"): \($0.detail)" }
    // More would push the tenants off the screen.
    default:
      let groups = [("not enforced", FleetDocument.Guard.Level.absent), ("weaker", .weaker)].compactMap {
        words, level in
        let names = missing.filter { $0.level == level }.map(\.name)
        return names.isEmpty ? nil : "\(words): \(names.joined(separator: ", "))"
      }
      lines.append("\(groups.joined(separator: "; ")) (`looop-fleet doctor` says why)")
    }
    if let note = document.budgetNote { lines.append("the whole fleet: \(note)") }
    return lines.map { paint(.warning, Display.line("! " + $0, limit: width)) }
  }

  /// Those in trouble first, then by name.
  private var ordered: [TenantRow] {
    document.tenants.sorted { ($0.phase.isWell ? 1 : 0, $0.name) < ($1.phase.isWell ? 1 : 0, $1.name) }
  }

  private func tenantLines(width: Int, paint: Paint) -> [String] {
    guard !document.tenants.isEmpty else {
      return ["no tenants yet: looop-fleet tenant add NAME --data-dir DIR"]
    }
    var columns: [TextTable.Column] = [
      .init("TENANT"), .init("PHASE"), .init("LAST BEAT", expendability: 2),
      .init("NEXT", right: true, expendability: 4),
      .init("WORKERS", right: true), .init("ASKS", right: true), .init("TODAY", right: true, expendability: 1),
      .init("SANDBOXES", right: true, expendability: 5), .init("USER", expendability: 3),
    ]
    // Where nobody counts, columns of dashes would say nothing.
    let isMeasured = document.tenants.contains { $0.use != nil }
    if isMeasured {
      columns += [.init("CPU", right: true, expendability: 7), .init("MEMORY", right: true, expendability: 6)]
    }
    let rows = ordered.map { row in
      let note = row.reason.flatMap { $0.isEmpty ? nil : $0 } ?? (row.phase == .running ? nil : row.phase.meaning)
      var cells: [TextTable.Cell] = [
        .init(row.name, .strong), .init(row.phase.rawValue, Paint.style(of: row.phase)),
        .init(lastBeat(row), .faint), .init(next(row), .faint), .init(workerCounts(row.workers)),
        .init(askCount(row), row.asksPending > 0 ? .warning : .plain),
        .init(money(row.budget), moneyStyle(row.budget)),
        .init(row.sandboxes == 0 ? "-" : "\(row.sandboxes)" + (row.diskBytes.map { " · \(Display.bytes($0))" } ?? "")),
        .init(row.user ?? "-", .faint),
      ]
      if isMeasured {
        cells += [
          .init(row.use?.cpuPercent.map(Display.percent) ?? "-"), .init(memory(row)),
        ]
      }
      return TextTable.Row(
        cells, note: note.map { .init($0, row.phase.isWell ? .faint : Paint.style(of: row.phase)) })
    }
    return TextTable(columns, rows).lines(width: width, paint: paint)
  }

  private func memory(_ row: TenantRow) -> String {
    guard let bytes = row.use?.memoryBytes else { return "-" }
    return Display.bytes(bytes) + (row.limits.memoryBytes.map { " of \(Display.bytes($0))" } ?? "")
  }

  private func lastBeat(_ row: TenantRow) -> String {
    row.lastBeat.map { "\($0.outcome) \(Display.age(now - $0.at)) ago" } ?? "never"
  }

  private func next(_ row: TenantRow) -> String {
    guard let at = row.nextBeatAt else { return "-" }
    return at <= now ? "now" : Display.age(at - now)
  }

  private func workerCounts(_ counts: FleetDocument.WorkerCounts) -> String {
    "\(counts.live)" + (counts.max.map { "/\($0)" } ?? "") + (counts.pending > 0 ? " +\(counts.pending)" : "")
  }

  private func askCount(_ row: TenantRow) -> String {
    row.asksPending == 0 ? "-" : "\(row.asksPending)" + (row.oldestAskSeconds.map { " (\(Display.age($0)))" } ?? "")
  }

  private func money(_ budget: TenantBudget?) -> String {
    guard let budget else { return "-" }
    if budget.state == "unknown" { return "unknown" }
    let spent = Display.money(budget.usd.spent)
    if let cap = budget.usd.cap { return "\(spent) of \(Display.money(cap))" }
    if let cap = budget.tokens.cap {
      return "\(spent) · \(Display.count(budget.tokens.spent)) of \(Display.count(cap)) tokens"
    }
    if let cap = budget.decides.cap { return "\(spent) · \(budget.decides.spent) of \(cap) decides" }
    return spent
  }

  private func moneyStyle(_ budget: TenantBudget?) -> Paint.Style {
    switch budget?.state {
    case "warning": .warning
    case "held", "unknown": .bad
    default: .plain
    }
  }

  private func mailLines(width: Int, paint: Paint) -> [String] {
    var lines: [String] = []
    let pending = workers.filter { $0.phase == .pending }
    if !pending.isEmpty {
      lines += ["", paint(.faint, "WORKERS THAT WAIT FOR A PLACE")]
      for worker in pending.prefix(Self.listed) {
        let place = worker.position.map { "place \($0)" } ?? "waiting"
        lines.append(
          Display.line(
            "  \(worker.tenant)/\(worker.id) · \(place)" + (worker.reason.map { " · \($0)" } ?? ""), limit: width))
      }
      if pending.count > Self.listed { lines.append("  … \(pending.count - Self.listed) more: looop-fleet workers") }
    }
    if !asks.isEmpty {
      lines += ["", paint(.faint, "ASKS (oldest first)")]
      for ask in asks.prefix(Self.listed) {
        lines += AskText(ask).summary(width: width, paint: paint).map { "  " + $0 }
      }
      if asks.count > Self.listed { lines.append("  … \(asks.count - Self.listed) more: looop-fleet asks") }
    }
    return lines
  }
}
