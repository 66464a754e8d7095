import Fleet
import Tenant

/// One tenant in words, a line a fact.
enum TenantText {
  static func lines(_ tenant: JSON, now: Int64, paint: Paint) -> [String] {
    guard let row = TenantRow(json: tenant) else { return [] }
    var facts: [(String, String)] = [
      ("phase", "\(row.phase.rawValue) (\(row.reason ?? row.phase.meaning))"), ("data dir", row.dataDir ?? "-"),
      ("user", row.user ?? "-"),
      ("interval", tenant["interval_s"]?.int.map { "\($0) s" } ?? "-"),
      ("weight", tenant["weight"]?.int.map(String.init) ?? "-"), ("time zone", tenant["time_zone"]?.string ?? "-"),
    ]
    if let beat = row.lastBeat {
      facts.append(("last beat", "\(beat.outcome), \(Display.age(now - beat.at)) ago, \(Int64(beat.durationMS)) ms"))
    }
    if let next = row.nextBeatAt { facts.append(("next beat", next <= now ? "now" : "in \(Display.age(next - now))")) }
    let max = row.workers.max.map { " of \($0)" } ?? ""
    facts.append(("workers", "\(row.workers.live) live\(max), \(row.workers.pending) pending"))
    facts.append(("asks", "\(row.asksPending) pending"))
    if let budget = row.budget {
      let cap = budget.usd.cap.map { " of \(Display.money($0))" } ?? ""
      facts.append(("budget", "\(Display.money(budget.usd.spent))\(cap) on \(budget.day), \(budget.state)"))
    }
    if let use = row.use {
      let percent = use.cpuPercent.map { "\(Display.percent($0)) of a processor, " } ?? ""
      let limits = row.limits
      let share = limits.cpus.map { " (at most \(Display.percent($0 * 100)))" } ?? ""
      facts.append(("cpu", "\(percent)\(Display.count(Int64(use.cpuSeconds))) s in all\(share)"))
      if let bytes = use.memoryBytes {
        facts.append(("memory", Display.bytes(bytes) + (limits.memoryBytes.map { " of \(Display.bytes($0))" } ?? "")))
      }
      if let count = use.processes {
        facts.append(("processes", Display.count(count) + (limits.processes.map { " of \(Display.count($0))" } ?? "")))
      }
    }
    if let bytes = row.occupiedBytes {
      facts.append(("disk", Display.bytes(bytes) + (row.limits.diskBytes.map { " of \(Display.bytes($0))" } ?? "")))
    }
    for (name, path) in (tenant["repos"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      facts.append(("repo \(name)", path.string ?? "-"))
    }
    for problem in tenant["problems"]?.array ?? [] { facts.append(("problem", problem.string ?? "-")) }
    return [paint(.strong, Display.line(row.name))]
      + facts.map { "  \(paint(.faint, Display.padded($0.0, 12))) \(Display.line($0.1))" }
  }
}
