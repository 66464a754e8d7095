/// Names that no worker may have: the loop and the fleet ask under them, and an ask's id begins with its worker's.
package enum ReservedWorkers {
  package static let pulse = "pulse"
  /// Asks for a parked move's yes: `gate-7`.
  package static let gate = "gate"
  /// Asks the first question of a new data dir: `setup-1`.
  package static let setup = "setup"

  /// Why not; `nil` where it may.
  package static func reason(_ id: String) -> String? {
    switch id {
    case pulse: "`pulse` is the loop's own session"
    case gate: "`gate` asks for the loop's parked moves"
    case setup: "`setup` asks the first question of a new data dir"
    default: isBudget(id) ? "`\(id)-…` are the fleet's own asks about the day's budget" : nil
    }
  }

  /// An ask of the loop itself: no worker waits for its answer, and none is gone.
  package static func isLoop(_ worker: String) -> Bool { worker == gate || worker == setup }

  /// The fleet asks as `budget-2026-11-24`, which would be the 24th ask of a worker `budget-2026-11`.
  private static func isBudget(_ id: String) -> Bool {
    let parts = id.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "budget" && parts[1].utf8.count == 4 && parts[2].utf8.count == 2
      && parts.dropFirst().allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
  }
}
