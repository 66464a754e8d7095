/// A decide that wants to start.
package struct DecideWish: Hashable, Sendable {
  package var runID: String
  package var runner: String
  package var model: String?
  package var promptBytes: Int

  package init(runID: String, runner: String, model: String?, promptBytes: Int) {
    self.runID = runID
    self.runner = runner
    self.model = model
    self.promptBytes = promptBytes
  }
}

package enum DecideVerdict: Hashable, Sendable {
  /// `reservation` names the hold that ``DecideAdmission/settle(reservation:runID:usage:)`` gives back.
  case granted(reservation: String)
  case refused(reason: String, retryAt: Int64?)
}

/// Who holds the money: the daily budget of a standalone tenant (`cost.jsonl`), or the fleet behind the door.
/// Nothing starts a runner without a grant, and every grant is settled, with `nil` usage where nothing is known.
package protocol DecideAdmission {
  mutating func admit(_ wish: DecideWish) -> DecideVerdict
  mutating func settle(reservation: String, runID: String, usage: RunUsage?)
  /// What is left, for the prompt's LIMITS section; `nil` for none.
  func limits() -> JSON?
}
