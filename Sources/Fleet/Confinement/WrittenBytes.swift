import SystemPackage
import Tenant

/// What processes have had written to disks since they started, as the kernel counts it for each: a file without a name counts as well, and
/// nobody can say less of itself. Who makes room without writing (fallocate) is not seen by it.
package enum WrittenBytes {
  /// Of a text of `/proc/PID/io` (proc(5)): what was dirtied less what was deleted before it got to the disk.
  static func parse(_ text: String) -> Int64? {
    var values: [Substring: Int64] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      if parts.count == 2 { values[parts[0]] = Int64(parts[1]) }
    }
    return values["write_bytes:"].map { max(0, $0 - (values["cancelled_write_bytes:"] ?? 0)) }
  }

  /// Of each process of a tenant's groups. A parent's count takes in that of each child that it has waited for.
  package static func of(_ tenant: String, in groups: ControlGroups) -> [Int32: Int64] {
    var written: [Int32: Int64] = [:]
    for pid in groups.members(.tenant(tenant)) {
      // One that has ended meanwhile counts with its parent.
      if let text = FileReading.of(FilePath("/proc/\(pid)/io"), maximumBytes: 4096).text { written[pid] = parse(text) }
    }
    return written
  }
}
