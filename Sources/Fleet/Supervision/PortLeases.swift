import Tenant

/// Which ports the sandboxes of this host have. The supervisor hands them out, for all tenants: blocks of two sandboxes never
/// overlap, whoever they belong to. Pure; ``PortRegister`` keeps it on disk.
struct PortLeases: Hashable, Sendable {
  struct Block: Hashable, Sendable {
    var first: Int
    var count: Int

    var ports: Range<Int> { first..<first + count }
    var json: JSON { ["first": .int(Int64(first)), "count": .int(Int64(count))] }
  }

  /// By `TENANT/WORKER`.
  private(set) var blocks: [String: Block] = [:]

  init() {}

  /// The holder's own block if it has one of that size, else the first that nobody has and in which nothing listens.
  mutating func lease(_ holder: String, count: Int, in range: ClosedRange<Int>, isFree: (Int) -> Bool) -> Block? {
    if let own = blocks[holder], own.count == count, range.contains(own.first) { return own }
    blocks[holder] = nil
    guard count > 0, count <= range.count else { return nil }
    let taken = blocks.values.map(\.ports).sorted { $0.lowerBound < $1.lowerBound }
    var first = range.lowerBound
    while first + count - 1 <= range.upperBound {
      let wanted = first..<first + count
      if let rival = taken.first(where: { $0.overlaps(wanted) }) {
        first = rival.upperBound
      } else if let busy = wanted.last(where: { !isFree($0) }) {
        first = busy + 1
      } else {
        blocks[holder] = Block(first: first, count: count)
        return blocks[holder]
      }
    }
    return nil
  }

  mutating func release(_ holder: String) { blocks[holder] = nil }

  /// What of a tenant is not among these has ended without our seeing it.
  mutating func retain(_ workers: Set<String>, of tenant: String) {
    let prefix = tenant + "/"
    blocks = blocks.filter { holder, _ in
      !holder.hasPrefix(prefix) || workers.contains(String(holder.dropFirst(prefix.count)))
    }
  }
}

extension PortLeases {
  var json: JSON { .object(blocks.mapValues(\.json)) }

  init(json: JSON) {
    for (holder, value) in json.object ?? [:] {
      guard let first = value["first"]?.int, let count = value["count"]?.int, first > 0, count > 0 else { continue }
      blocks[holder] = Block(first: Int(first), count: Int(count))
    }
  }
}
