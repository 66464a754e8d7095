/// Workers that live in a control group and of whom their tenant's report tells nothing: a record is the tenant's to remove, by
/// accident as well, and without one nobody meters, counts or ends what goes on. The kernel's groups know better. Pure.
struct UnrecordedWorkers: Hashable, Sendable {
  /// Seconds in which a record may come back, as after a data dir that was put in order by hand.
  static let grace = 30.0

  /// When each was first seen so, on the monotonic clock.
  private(set) var since: [String: Double] = [:]

  var ids: Set<String> { Set(since.keys) }
  var isEmpty: Bool { since.isEmpty }

  /// - `living`: in whose groups somebody is; `known`: those with a record, or about to have one.
  /// - Returns: who is so for the first time.
  mutating func look(living: Set<String>, known: Set<String>, at now: Double) -> [String] {
    let lost = living.subtracting(known)
    since = since.filter { lost.contains($0.key) }
    let new = lost.subtracting(since.keys).sorted()
    for id in new { since[id] = now }
    return new
  }

  /// Whose time is over.
  func overdue(at now: Double) -> [String] {
    since.filter { now - $0.value >= Self.grace }.keys.sorted()
  }

  static let words = "it lives, and its record is gone: nobody meters it, and it is ended unless the record comes back"

  /// For the tenant's row.
  var reason: String? {
    guard let first = since.keys.min() else { return nil }
    return since.count == 1
      ? "worker \(first) lives without a record, and is to be ended"
      : "\(since.count) workers live without a record, and are to be ended"
  }
}
