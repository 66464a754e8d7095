import CLinux
import Glibc
import SystemPackage
import Tenant

/// A block of TCP ports for one sandbox, so that two workers' servers do not meet. Leased until the sandbox goes; probed
/// when it is given.
struct PortBlock: Hashable, Sendable {
  var first: Int
  var count: Int

  /// Which block comes next: the first of the range that nobody has and that is free now. Pure.
  static func choose(first: Int, last: Int, count: Int, taken: Set<Int>, isFree: (Int) -> Bool) -> Int? {
    guard count > 0, first > 0, last <= 65_535 else { return nil }
    return stride(from: first, through: last - count + 1, by: count).first { start in
      !taken.contains(start) && (start..<start + count).allSatisfy(isFree)
    }
  }

  static func lease(
    _ layout: SandboxLayout, _ worker: SandboxName, first: Int, last: Int, count: Int
  ) throws -> PortBlock {
    try withLeases(layout) { leases in
      if let own = leases[worker.text], own.count == count { return own }
      let taken = Set(leases.filter { $0.key != worker.text }.values.map(\.first))
      guard let start = choose(first: first, last: last, count: count, taken: taken, isFree: isFree) else {
        throw SandboxError(
          .busy, "no block of \(count) ports is free between \(first) and \(last)",
          hint: "widen the range, or remove sandboxes that are not needed")
      }
      let block = PortBlock(first: start, count: count)
      leases[worker.text] = block
      return block
    }
  }

  static func release(_ layout: SandboxLayout, _ worker: SandboxName) throws {
    guard Files.exists(layout.records.appending("ports.json")) else { return }
    try withLeases(layout) { $0[worker.text] = nil }
  }

  private static func withLeases<Value>(
    _ layout: SandboxLayout, _ body: (inout [String: PortBlock]) throws -> Value
  ) throws -> Value {
    let lock = try FileLock(waitingFor: layout.records.appending("ports.lock"))
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    let file = layout.records.appending("ports.json")
    var leases: [String: PortBlock] = [:]
    for (name, value) in StateFile.read(file).value?.object ?? [:] {
      guard let first = value["first"]?.int, let count = value["count"]?.int else { continue }
      leases[name] = PortBlock(first: Int(first), count: Int(count))
    }
    // A lease whose sandbox is gone is not one: a crash may have come before its release.
    let before = leases
    leases = leases.filter {
      Files.exists(layout.trees.appending($0.key)) || Files.exists(layout.root.appending("tmp").appending($0.key))
    }
    let value = try body(&leases)
    if leases != before {
      try StateFile.write(
        .object(leases.mapValues { ["first": .int(Int64($0.first)), "count": .int(Int64($0.count))] }), to: file)
    }
    return value
  }

  private static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
