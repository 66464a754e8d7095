/// Whether the file system that the fleet's own books are on has room, and who is to be held still where it has not: whoever has most
/// written, so that one tenant that fills the disk does not hold everybody's decides. Pure.
///
/// Without the file system's own quotas this is how far it goes: it sees what is written, by whom, after the fact.
struct DiskWatch: Hashable, Sendable {
  enum Room: Hashable, Sendable {
    case plenty
    /// It may be used up between two slow looks.
    case near
    case short
  }

  /// So many times the floor is near.
  static let nearness: Int64 = 8
  /// Seconds between two looks.
  static let pause = 2.0
  static let nearPause = 0.25
  /// Who has less than this written between two looks does not fill a disk.
  static let leastWritten: Int64 = 1 << 20

  private(set) var room = Room.plenty
  private var last: [String: [Int32: Int64]] = [:]

  /// New sandboxes end at the floor; half of it is left to what runs already.
  static func room(free: Int64, floor: Int64) -> Room {
    if free < floor / 2 { return .short }
    return free < floor.multipliedReportingOverflow(by: nearness).partialValue ? .near : .plenty
  }

  /// Takes in how much room there is; answers whether those who were held still may go on.
  mutating func look(free: Int64, floor: Int64) -> Bool {
    room = Self.room(free: free, floor: floor)
    if room == .plenty { last = [:] }
    // Not at the same mark at which they were stopped: they would stop and go.
    return free >= floor
  }

  /// Who is to be held still now; one at a look, and the next one only if it goes on.
  /// - `written`: of each tenant that is not held, by process.
  mutating func eater(_ written: [String: [Int32: Int64]]) -> (tenant: String, bytes: Int64)? {
    let before = last
    last = written
    guard room == .short else { return nil }
    let grown = written.compactMap { tenant, processes -> (tenant: String, bytes: Int64)? in
      guard let known = before[tenant] else { return nil }
      // One that was not there then has written all of it since. What one that is gone had written may now stand in its parent's count.
      let more = processes.reduce(0) { $0 + max(0, $1.value - (known[$1.key] ?? 0)) }
      let gone = known.reduce(0) { $0 + (processes[$1.key] == nil ? $1.value : 0) }
      return (tenant, max(0, more - gone))
    }
    return grown.filter { $0.bytes >= Self.leastWritten }.max { ($0.bytes, $1.tenant) < ($1.bytes, $0.tenant) }
  }
}
