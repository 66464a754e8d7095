package import Tenant

/// What a tenant's processes use of the machine: beats, helpers and workers together.
package struct TenantUse: Hashable, Sendable {
  /// Seconds of CPU time since somebody began to count.
  package var cpuSeconds: Double
  /// Of one processor, between the last two looks; nil where there was only one.
  package var cpuPercent: Double?
  package var memoryBytes: Int64?

  package init(cpuSeconds: Double, cpuPercent: Double? = nil, memoryBytes: Int64? = nil) {
    self.cpuSeconds = cpuSeconds
    self.cpuPercent = cpuPercent
    self.memoryBytes = memoryBytes
  }

  /// The row's key `cpu`; `memory_bytes` stands beside it.
  package var cpuJSON: JSON { ["seconds": .double(cpuSeconds), "percent": cpuPercent.map { .double($0) } ?? .null] }

  /// From a row; nil where nobody measured.
  package init?(row: JSON) {
    guard let seconds = row["cpu"]?["seconds"]?.double else { return nil }
    self.init(cpuSeconds: seconds, cpuPercent: row["cpu"]?["percent"]?.double, memoryBytes: row["memory_bytes"]?.int)
  }
}

extension Display {
  /// `0.4 %`, `12 %`, `180 %`: of one processor.
  package static func percent(_ value: Double) -> String {
    value < 9.95 ? "\(Double((value * 10).rounded()) / 10) %" : "\(Int64(min(value, 1e9).rounded())) %"
  }
}
