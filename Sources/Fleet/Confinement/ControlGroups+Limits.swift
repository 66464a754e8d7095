import SystemPackage
import Tenant

/// Limits in the files of v2's controllers, or of v1's hierarchies.
extension ControlGroups {
  func set(_ caps: ResourceCaps, on group: ControlGroup) throws(HostError) {
    switch offer.memory {
    case .v2: try setMemory(caps.memoryBytes, unified!.pushing(group))
    case .v1: try setLegacyMemory(caps.memoryBytes, legacy["memory"]!.pushing(group))
    case nil: break
    }
    let period: Int64 = 100_000
    // The kernel takes no less than 1 ms a period.
    let quota = caps.cpus.map { max(1000, Int64(($0 * Double(period)).rounded())) }
    switch offer.cpu {
    case .v2:
      try Self.change("\(quota.map(String.init) ?? "max") \(period)", unified!.pushing(group).appending("cpu.max"))
    case .v1: try Self.change(String(quota ?? -1), legacy["cpu"]!.pushing(group).appending("cpu.cfs_quota_us"))
    case nil: break
    }
    let processes = caps.processes.map(String.init) ?? "max"
    switch offer.processes {
    case .v2: try Self.write(processes, unified!.pushing(group).appending("pids.max"))
    case .v1: try Self.write(processes, legacy["pids"]!.pushing(group).appending("pids.max"))
    case nil: break
    }
  }

  private func setMemory(_ bytes: Int64?, _ directory: FilePath) throws(HostError) {
    try Self.write(bytes.map(String.init) ?? "max", directory.appending("memory.max"))
    // Without this a limited group would push into swap and slow everybody down instead of being ended.
    try? Self.write(bytes == nil ? "max" : "0", directory.appending("memory.swap.max"))
    // A worker without its biggest process is a riddle to its owner: the whole group goes.
    try Self.write(bytes == nil ? "0" : "1", directory.appending("memory.oom.group"))
  }

  private func setLegacyMemory(_ bytes: Int64?, _ directory: FilePath) throws(HostError) {
    let memory = directory.appending("memory.limit_in_bytes")
    let both = directory.appending("memory.memsw.limit_in_bytes")
    // Memory must never be above memory and swap together, so growing and shrinking need opposite orders; lifting both first
    // makes the order the same. Swap accounting may be switched off, then there is no such file.
    try? Self.write("-1", both)
    try Self.write(bytes.map(String.init) ?? "-1", memory)
    if let bytes { try? Self.write(String(bytes), both) }
  }
}
