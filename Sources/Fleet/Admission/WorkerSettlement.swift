import Glibc
package import Tenant

/// What becomes of a worker's hold when the worker has ended. Pure; the supervisor asks and the ledger carries it out.
package enum WorkerSettlement: Sendable, Hashable {
  /// It never began: nothing is charged.
  case release
  /// All that it used is on record.
  case charge([Charge])
  /// Part of what it used is on record; what is left of the hold stands for the rest.
  case chargeAndBind([Charge])
  /// Nothing is on record.
  case bind
  /// Nobody can say yet: the hold stands.
  case later(String)

  /// How it ended, as its tenant's report has it; nil where the report knows no such worker any more.
  package struct End: Sendable, Hashable {
    /// A process of it was once there.
    package let began: Bool
    package let exitCode: Int32?

    /// Outright: what it had asked last may stand in no file yet, and claude writes its own late.
    var wasKilled: Bool { exitCode == 128 + SIGKILL }

    package init(began: Bool, exitCode: Int32?) {
      self.began = began
      self.exitCode = exitCode
    }
  }

  package enum Reading: Sendable, Hashable {
    case found(TranscriptFinder.Finding)
    case failed(String)
  }

  /// So long a reading that fails is tried again: its day is over at the latest with the next one.
  package static let patience: Int64 = 86_400

  /// - `age`: seconds since the hold was taken.
  package static func of(
    _ end: End?, reading: Reading, run: RunRequest, age: Int64, prices: PriceTable, on date: CivilDate
  ) -> WorkerSettlement {
    guard let end else { return .bind }
    guard end.began else { return .release }
    let finding: TranscriptFinder.Finding
    switch reading {
    case .found(let found): finding = found
    case .failed(let why): return age > patience ? .bind : .later(why)
    }
    let charges = TranscriptCharges.of(finding.transcripts, prices: prices, on: date)
    let lastCalls = finding.transcripts.compactMap { TranscriptCharges.lastCall($0, prices: prices, on: date) }
    guard lastCalls.isEmpty else { return .chargeAndBind(charges + lastCalls) }
    if run.isFree { return .charge(charges) }
    let isUnread = finding.unread.contains(run.runner) || run.runner == "command" && !finding.unread.isEmpty
    if !charges.isEmpty { return isUnread || end.wasKilled ? .chargeAndBind(charges) : .charge(charges) }
    // The shell found no such program: no model was ever called.
    if end.exitCode == 126 || end.exitCode == 127, !isUnread { return .release }
    return .bind
  }
}
