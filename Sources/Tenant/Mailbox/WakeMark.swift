import CLinux
import Glibc
import SystemPackage

/// What a waiting caller compares: one short mark a category of things that can change. Its text is the `token` that
/// `wait --after` takes: `a<ask marks>.j<…>.p<…>.g<…>.s<…>`.
package struct WakeMark: Hashable, Sendable {
  var asks: AskMarks
  var journal: UInt64
  var playbook: UInt64
  var goals: UInt64
  var snapshots: UInt64

  package static func read(_ data: DataDir, pending: [AskRecord]) -> WakeMark {
    let world = World.read(data)
    var goals = MarkHash()
    for goal in world.goals {
      goals.add(goal.id)
      goals.add(world.items["goal:\(goal.id)"] ?? "")
    }
    var snapshots = MarkHash()
    for snapshot in world.snapshots {
      snapshots.add(snapshot.stem)
      snapshots.add(world.items["snap:\(snapshot.stem)"] ?? "")
    }
    return WakeMark(
      asks: .read(Dictionary(pending.map { (MarkHash.of("\($0.id) \($0.ts)"), max(0, $0.ts)) }) { max($0, $1) }),
      journal: journalMark(data),
      playbook: MarkHash.wide(world.items["playbook"] ?? ""), goals: goals.value, snapshots: snapshots.value)
  }

  /// The journal only grows or is rolled: its size and file number say whether it did.
  private static func journalMark(_ data: DataDir) -> UInt64 {
    var status = stat()
    guard unsafe data.journal.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return 0 }
    return MarkHash.wide("\(status.st_ino) \(status.st_size)")
  }

  /// The categories in which `self` is newer than `old`, in their fixed order.
  package func changes(since old: WakeMark) -> [String] {
    var changed: [String] = []
    if asks.hasMore(than: old.asks) { changed.append("asks") }
    if journal != old.journal { changed.append("journal") }
    if playbook != old.playbook { changed.append("playbook") }
    if goals != old.goals { changed.append("goals") }
    if snapshots != old.snapshots { changed.append("snapshots") }
    return changed
  }

  package var token: String {
    "a" + asks.token
      + [("j", journal), ("p", playbook), ("g", goals), ("s", snapshots)]
      .map { ".\($0.0)\(String($0.1, radix: 36))" }.joined()
  }

  /// `nil` where the text is no token.
  package init?(token: String) {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0].first == "a" else { return nil }
    func number(_ index: Int, _ letter: Character) -> UInt64? {
      parts[index].first == letter ? UInt64(parts[index].dropFirst(), radix: 36) : nil
    }
    guard let asks = AskMarks(token: parts[0].dropFirst()), let journal = number(1, "j"), let playbook = number(2, "p"),
      let goals = number(3, "g"), let snapshots = number(4, "s")
    else { return nil }
    self.init(asks: asks, journal: journal, playbook: playbook, goals: goals, snapshots: snapshots)
  }

  init(asks: AskMarks, journal: UInt64, playbook: UInt64, goals: UInt64, snapshots: UInt64) {
    self.asks = asks
    self.journal = journal
    self.playbook = playbook
    self.goals = goals
    self.snapshots = snapshots
  }
}

/// FNV-1a, 64 bits: for noticing a change, not for safety.
private struct MarkHash {
  var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ text: String) {
    for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    value = (value ^ 0xFF) &* 0x100_0000_01b3
  }

  static func wide(_ text: String) -> UInt64 {
    var hash = MarkHash()
    hash.add(text)
    return hash.value
  }

  static func of(_ text: String) -> UInt32 {
    let value = wide(text)
    return UInt32(truncatingIfNeeded: value ^ value >> 32)
  }
}
