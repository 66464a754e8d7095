package import Tenant

/// What a tenant's processes use of the machine: beats, helpers and workers together.
package struct TenantUse: Hashable, Sendable {
  /// Seconds of CPU time since somebody began to count.
  package var cpuSeconds: Double
  /// Of one processor, between the last two looks; nil where there was only one.
  package var cpuPercent: Double?
  package var memoryBytes: Int64?
  package var processes: Int64?

  package init(cpuSeconds: Double, cpuPercent: Double? = nil, memoryBytes: Int64? = nil, processes: Int64? = nil) {
    self.cpuSeconds = cpuSeconds
    self.cpuPercent = cpuPercent
    self.memoryBytes = memoryBytes
    self.processes = processes
  }

  /// The row's key `cpu`; `memory_bytes` and `processes` stand beside it.
  package var cpuJSON: JSON { ["seconds": .double(cpuSeconds), "percent": cpuPercent.map { .double($0) } ?? .null] }

  /// From a row; nil where nobody measured.
  package init?(row: JSON) {
    guard let seconds = row["cpu"]?["seconds"]?.double else { return nil }
    self.init(
      cpuSeconds: seconds, cpuPercent: row["cpu"]?["percent"]?.double, memoryBytes: row["memory_bytes"]?.int,
      processes: row["processes"]?.int)
  }
}

/// What it may use of it, all together. `nil` is no limit. The row's key `limits`.
package struct TenantLimits: Hashable, Sendable {
  package var memoryBytes: Int64?
  package var cpus: Double?
  package var processes: Int64?
  package var diskBytes: Int64?

  package init(_ total: TenantTotal = TenantTotal()) {
    memoryBytes = total.memory?.bytes
    cpus = total.cpu.map { Double($0.thousandths) / 1000 }
    processes = total.processes.map { Int64($0) }
    diskBytes = total.disk?.bytes
  }

  package init(json: JSON?) {
    memoryBytes = json?["memory_bytes"]?.int
    cpus = json?["cpus"]?.double
    processes = json?["processes"]?.int
    diskBytes = json?["occupied_bytes"]?.int
  }

  package var json: JSON {
    [
      "memory_bytes": .optional(memoryBytes), "cpus": cpus.map { .double($0) } ?? .null,
      "processes": .optional(processes), "occupied_bytes": .optional(diskBytes),
    ]
  }
}

extension Display {
  /// `0.4 %`, `12 %`, `180 %`: of one processor.
  package static func percent(_ value: Double) -> String {
    value < 9.95 ? "\(Double((value * 10).rounded()) / 10) %" : "\(Int64(min(value, 1e9).rounded())) %"
  }
}
