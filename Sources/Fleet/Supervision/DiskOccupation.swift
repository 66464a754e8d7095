/// What a tenant's directories occupy of the disk, by the last look at all of them, and when to look again. Pure.
struct DiskOccupation: Hashable, Sendable {
  private(set) var bytes: Int64?
  /// A place that was not counted.
  var blind: String?
  /// Since when a look is under way, or when the next one is due; monotonic seconds.
  private var began: Double?
  private var due = 0.0

  /// Between two looks at a tenant that does something.
  static let pause = 10.0
  /// Looks take this part of the time at most, however much there is to look at.
  static let share = 20.0

  /// - `isBusy`: somebody could write. Without, one look is enough, unless it is to be seen that somebody made room.
  mutating func begin(isBusy: Bool, isFull: Bool, at now: Double) -> Bool {
    guard began == nil, now >= due, isBusy || isFull || bytes == nil else { return false }
    began = now
    return true
  }

  /// `nil`: it could not be measured; what was known stands.
  mutating func end(_ seen: Int64?, at now: Double) {
    bytes = seen ?? bytes
    due = now + max(Self.pause, (now - (began ?? now)) * Self.share)
    began = nil
  }
}
