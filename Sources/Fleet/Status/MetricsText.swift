import Tenant

/// The fleet in the Prometheus text format. Written by hand rather than through swift-metrics, on purpose: every figure is already in
/// the status document or counted by its owner, so a scrape is a pure function of them. A metrics registry would be a second,
/// process-wide copy of that state, and its exporter one more package.
package enum MetricsText {
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
  package static let prefix = "looop_fleet_"

  package static func render(_ document: FleetDocument, samples: [MetricSample] = []) -> String {
    var text = ""
    var described: Set<String> = []
    // A metric's lines must stand together, whatever order they were counted in.
    var order: [String] = []
    var groups: [String: [MetricSample]] = [:]
    for sample in self.samples(document) + samples {
      if groups[sample.name] == nil { order.append(sample.name) }
      groups[sample.name, default: []].append(sample)
    }
    for sample in order.flatMap({ groups[$0] ?? [] }) {
      if described.insert(sample.name).inserted {
        text +=
          "# HELP \(prefix)\(sample.name) \(sample.help)\n# TYPE \(prefix)\(sample.name) \(sample.kind.rawValue)\n"
      }
      text += "\(prefix)\(sample.name)\(labels(sample.labels)) \(number(sample.value))\n"
    }
    return text
  }

  private static func labels(_ labels: [String: String]) -> String {
    guard !labels.isEmpty else { return "" }
    let words = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }
    return "{\(words.joined(separator: ","))}"
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  private static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    return value.isNaN ? "NaN" : value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : "\(value)"
  }

  private static func samples(_ document: FleetDocument) -> [MetricSample] {
    func gauge(_ name: String, _ help: String, _ value: Double, _ labels: [String: String] = [:]) -> MetricSample {
      MetricSample(name, help: help, kind: .gauge, labels: labels, value: value)
    }
    var samples = [
      gauge(
        "info", "The fleet's version and isolation.", 1,
        [
          "version": document.version, "isolation": document.isolation.rawValue,
        ]),
      gauge("uptime_seconds", "How long the supervisor runs.", Double(document.uptimeSeconds)),
      gauge("beats_in_flight", "Beats that run now.", Double(document.beatsInFlight)),
      gauge("decides_in_flight", "Runners of decides that run now.", Double(document.decidesInFlight)),
      gauge("workers_live", "Live workers.", Double(document.workers.live)),
      gauge("workers_pending", "Workers that wait for a place.", Double(document.workers.pending)),
      gauge("asks_pending", "Asks that wait for an answer.", Double(document.asksPending)),
      gauge("spent_today_usd", "Money spent today by all tenants.", Double(document.spentToday) / 1e6),
    ]
    if let max = document.workers.max { samples.append(gauge("workers_max", "Most live workers.", Double(max))) }
    for item in document.guards {
      samples.append(
        gauge("guard_enforced", "1 where a guard is enforced.", item.enforced ? 1 : 0, ["guard": item.name]))
    }
    for phase in TenantPhase.allCases {
      let count = document.tenants.count { $0.phase == phase }
      samples.append(gauge("tenants", "Tenants by phase.", Double(count), ["phase": phase.rawValue]))
    }
    for row in document.tenants { samples += self.samples(row, gauge) }
    return samples
  }

  private static func samples(
    _ row: TenantRow, _ gauge: (String, String, Double, [String: String]) -> MetricSample
  ) -> [MetricSample] {
    let tenant = ["tenant": row.name]
    var samples = [
      gauge("tenant_well", "1 where a tenant runs or is paused.", row.phase.isWell ? 1 : 0, tenant),
      gauge("tenant_workers_live", "Live workers of a tenant.", Double(row.workers.live), tenant),
      gauge("tenant_workers_pending", "Pending workers of a tenant.", Double(row.workers.pending), tenant),
      gauge("tenant_asks_pending", "Pending asks of a tenant.", Double(row.asksPending), tenant),
      gauge("tenant_sandboxes", "Worktrees of a tenant.", Double(row.sandboxes), tenant),
    ]
    if let beat = row.lastBeat {
      samples.append(
        gauge("tenant_last_beat_timestamp_seconds", "When a tenant's last beat ended.", Double(beat.at), tenant))
      samples.append(
        gauge("tenant_last_beat_seconds", "How long a tenant's last beat took.", beat.durationMS / 1000, tenant))
    }
    if let oldest = row.oldestAskSeconds {
      samples.append(gauge("tenant_oldest_ask_seconds", "Age of a tenant's oldest ask.", Double(oldest), tenant))
    }
    if let bytes = row.diskBytes {
      samples.append(gauge("tenant_disk_bytes", "Disk that a tenant's worktrees take.", Double(bytes), tenant))
    }
    if let use = row.use {
      samples.append(
        MetricSample(
          "tenant_cpu_seconds_total", help: "CPU time of all of a tenant's processes.", kind: .counter, labels: tenant,
          value: use.cpuSeconds))
      if let bytes = use.memoryBytes {
        samples.append(gauge("tenant_memory_bytes", "Memory that a tenant's processes take.", Double(bytes), tenant))
      }
      if let count = use.processes {
        samples.append(gauge("tenant_processes", "Processes and threads of a tenant.", Double(count), tenant))
      }
    }
    if let budget = row.budget {
      for (name, axis, scale) in [
        ("usd", budget.usd, 1e6), ("tokens", budget.tokens, 1), ("decides", budget.decides, 1),
      ] {
        let labels = ["tenant": row.name, "axis": name]
        samples.append(gauge("budget_spent", "Spent today, by axis.", Double(axis.spent) / scale, labels))
        samples.append(gauge("budget_reserved", "Reserved now, by axis.", Double(axis.reserved) / scale, labels))
        if let cap = axis.cap {
          samples.append(gauge("budget_cap", "Today's cap, by axis.", Double(cap) / scale, labels))
        }
      }
    }
    return samples
  }
}
