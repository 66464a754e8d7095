/// When a holder gives back what only some moment needed. It lives for days beside many others, and the program's pages that it ran through
/// stay counted as its memory until somebody else wants the room.
struct SessionMemory {
  /// So long after it began to do something, and not more often.
  static let pause = 2.0

  /// When to look again; `nil` while it only waits.
  private(set) var due: Double?

  /// Something was done.
  mutating func used(now: Double) {
    if due == nil { due = now + Self.pause }
  }

  mutating func trimIfDue(now: Double) {
    guard let due, now >= due else { return }
    self.due = nil
    ProgramPages.giveBack()
  }
}
