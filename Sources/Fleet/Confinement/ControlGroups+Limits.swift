import SystemPackage
import Tenant

/// Limits in the files of v2's controllers, or of v1's hierarchies.
extension ControlGroups {
  func set(_ caps: ResourceCaps, on group: ControlGroup) throws(HostError) {
    switch offer.memory {
    case .v2: try setMemory(caps.memoryBytes, unified!.pushing(group), isWhole: group.isLeaf)
    case .v1: try setLegacyMemory(caps.memoryBytes, legacy["memory"]!.pushing(group))
    case nil: break
    }
    let period: Int64 = 100_000
    // The kernel takes no less than 1 ms a period.
    let quota = caps.cpus.map { max(1000, Int64(($0 * Double(period)).rounded())) }
    switch offer.cpu {
    case .v2:
      try Self.change("\(quota.map(String.init) ?? "max") \(period)", unified!.pushing(group).appending("cpu.max"))
    case .v1: try setLegacyQuota(quota ?? -1, legacy["cpu"]!.pushing(group))
    case nil: break
    }
    let processes = caps.processes.map(String.init) ?? "max"
    switch offer.processes {
    case .v2: try Self.write(processes, unified!.pushing(group).appending("pids.max"))
    case .v1: try Self.write(processes, legacy["pids"]!.pushing(group).appending("pids.max"))
    case nil: break
    }
  }

  /// v1 takes no quota below that of a group within: those come first.
  private func setLegacyQuota(_ quota: Int64, _ directory: FilePath) throws(HostError) {
    let name: FilePath.Component = "cpu.cfs_quota_us"
    if quota > 0 {
      for child in Self.children(directory) {
        let file = directory.appending(child).appending(name)
        if let its = Self.text(file).flatMap({ Int64($0.prefix { !$0.isWhitespace }) }), its > quota {
          try Self.change(String(quota), file)
        }
      }
    }
    try Self.change(String(quota), directory.appending(name))
  }

  private func setMemory(_ bytes: Int64?, _ directory: FilePath, isWhole: Bool) throws(HostError) {
    try Self.write(bytes.map(String.init) ?? "max", directory.appending("memory.max"))
    // Without this a limited group would push into swap and slow everybody down instead of being ended.
    try? Self.write(bytes == nil ? "max" : "0", directory.appending("memory.swap.max"))
    // A worker without its biggest process is a riddle to its owner: the whole group goes, whosever limit it was. Of a tenant that
    // runs out of its own, one worker goes.
    try Self.write(isWhole ? "1" : "0", directory.appending("memory.oom.group"))
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
