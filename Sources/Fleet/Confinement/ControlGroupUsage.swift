/// What a group and those below it have used, from the kernel's own files.
/// *Units*: seconds of CPU time since the group was made, bytes; nil where the host does not count it.
package struct ControlGroupUsage: Hashable, Sendable {
  package var cpuSeconds: Double
  package var memoryBytes: Int64?
  package var processes: Int64?

  package init(cpuSeconds: Double, memoryBytes: Int64?, processes: Int64? = nil) {
    self.cpuSeconds = cpuSeconds
    self.memoryBytes = memoryBytes
    self.processes = processes
  }

  /// - `cpuStat`: v2's `cpu.stat`, which every v2 group has.
  /// - `memory`: v2's `memory.current` or v1's `memory.usage_in_bytes`: one number each. nil where there is no memory controller.
  /// - `processes`: `pids.current` of either. nil where nobody counts.
  package init?(cpuStat: String, memory: String?, processes: String?) {
    guard let microseconds = ControlGroupText.value("usage_usec", in: cpuStat), microseconds >= 0 else { return nil }
    func number(_ text: String?) -> Int64? {
      text.flatMap { Int64($0.prefix { !$0.isWhitespace }) }.flatMap { $0 >= 0 ? $0 : nil }
    }
    self.init(
      cpuSeconds: Double(microseconds) / 1e6, memoryBytes: number(memory), processes: number(processes))
  }
}

/// The texts that the kernel writes into control group files. Pure.
enum ControlGroupText {
  /// The number after a key in a text of `key number` lines.
  static func value(_ key: String, in text: String) -> Int64? {
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count == 2, fields[0] == key { return Int64(fields[1]) }
    }
    return nil
  }
}
