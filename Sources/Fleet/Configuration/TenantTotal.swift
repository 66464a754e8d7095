/// What a tenant as a whole may use of the machine: its workers, beats and helpers together. `nil` is no limit.
package struct TenantTotal: Sendable, Hashable {
  package var memory: ByteSize?
  package var cpu: CPUShare?
  package var processes: Int?
  /// Its data dir, runner home (with its TMPDIR) and sandboxes.
  package var disk: ByteSize?

  package init(memory: ByteSize? = nil, cpu: CPUShare? = nil, processes: Int? = nil, disk: ByteSize? = nil) {
    self.memory = memory
    self.cpu = cpu
    self.processes = processes
    self.disk = disk
  }

  package init(_ settings: TotalSettings) {
    self.init(
      memory: settings.memory.value, cpu: settings.cpu.value, processes: settings.processes.value,
      disk: settings.disk.value)
  }
}

/// The keys below `total:`, as one file says them.
package struct TotalSettings: Sendable, Hashable {
  package var memory = LimitSetting<ByteSize>.unset
  package var cpu = LimitSetting<CPUShare>.unset
  package var processes = LimitSetting<Int>.unset
  package var disk = LimitSetting<ByteSize>.unset

  package init() {}

  package func over(_ lower: TotalSettings) -> TotalSettings {
    var merged = self
    merged.memory = memory.over(lower.memory)
    merged.cpu = cpu.over(lower.cpu)
    merged.processes = processes.over(lower.processes)
    merged.disk = disk.over(lower.disk)
    return merged
  }
}
