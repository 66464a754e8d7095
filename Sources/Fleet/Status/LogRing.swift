package import Tenant

/// One line of the fleet's own log, about one tenant or about the fleet.
package struct LogLine: Hashable, Sendable {
  /// Grows by one a line; `logs --follow` goes on from it.
  package var sequence: UInt64
  package var at: Int64
  package var tenant: String?
  package var text: String

  package init(sequence: UInt64, at: Int64, tenant: String?, text: String) {
    self.sequence = sequence
    self.at = at
    self.tenant = tenant
    self.text = text
  }

  package var json: JSON {
    ["sequence": .int(Int64(sequence)), "at": .int(at), "tenant": .optional(tenant), "text": .string(text)]
  }
}

/// The last lines of the fleet's log, kept in memory for `logs`. Bounded: a tenant that floods the log costs no memory, and its
/// lines cannot push out more than its share of the others' (each tenant has its own ring).
package struct LogRing: Sendable {
  /// What one screen of history needs; the journal has the rest.
  package static let linesPerTenant = 200
  /// A line is for reading.
  package static let maximumLineBytes = 2000

  private var rings: [String?: [LogLine]] = [:]
  private var sequence: UInt64 = 0

  package init() {}

  package mutating func append(_ text: String, tenant: String?, at: Int64) {
    sequence += 1
    let kept = text.utf8.count > Self.maximumLineBytes ? String(text.prefix(Self.maximumLineBytes)) + " …" : text
    var ring = rings[tenant] ?? []
    if ring.count >= Self.linesPerTenant { ring.removeFirst(ring.count - Self.linesPerTenant + 1) }
    ring.append(LogLine(sequence: sequence, at: at, tenant: tenant, text: kept))
    rings[tenant] = ring
  }

  /// Forgets a tenant that is gone.
  package mutating func remove(tenant: String) { rings[tenant] = nil }

  /// Lines after `sequence`, oldest first; where more than `limit` are there, the newest (without `after`) or the oldest (with it).
  package func lines(tenant: String?, after: UInt64?, limit: Int) -> [LogLine] {
    let all = tenant.map { rings[$0] ?? [] } ?? rings.values.flatMap { $0 }.sorted { $0.sequence < $1.sequence }
    guard let after else { return Array(all.suffix(limit)) }
    return Array(all.drop { $0.sequence <= after }.prefix(limit))
  }
}
