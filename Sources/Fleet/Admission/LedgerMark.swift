import CLinux
import Glibc
package import SystemPackage
import Tenant

/// Says, beside the ledger, that there is one: so a ledger that was lost is told from one that never was. Begun anew without a
/// word, it would refill the day and forget what ops froze.
///
/// *Shape* of `ledger.begun`: `{"v":1,"begun":true}`; `{"v":1,"begun":false,"actor":"alice","at":unix}` where somebody ordered a new one.
package struct LedgerMark: Sendable {
  enum Reading: Sendable, Hashable {
    case absent
    case begun
    /// A new one may begin, by this person's order.
    case anew(actor: String, at: Int64)
  }

  let file: FilePath
  private let ledger: FilePath

  package init(beside ledger: FilePath) {
    self.ledger = ledger
    file = ledger.removingLastComponent().appending("\(ledger.stem ?? "ledger").begun")
  }

  func read() throws(LedgerError) -> Reading {
    switch StateFile.read(file) {
    case .absent: return .absent
    case .unreadable(let error): throw LedgerError(.unavailable, "open it", path: ledger, detail: "\(error)")
    // Somebody wrote something once: there was a ledger.
    case .corrupt: return .begun
    case .value(let json):
      guard json["begun"]?.bool == false, let actor = json["actor"]?.string, let at = json["at"]?.int else {
        return .begun
      }
      return .anew(actor: actor, at: at)
    }
  }

  func setBegun() throws(LedgerError) { try write(["v": 1, "begun": true]) }

  /// The explicit order to give up what a lost ledger knew; whoever has it open follows by itself.
  ///
  /// *Throws* `conflict` where nothing is lost.
  package func orderAnew(actor: String, at: Int64) throws(LedgerError) {
    guard try read() != .absent else {
      throw LedgerError(
        .conflict, "begin anew", path: ledger, detail: "there was no ledger before: it begins by itself")
    }
    guard Self.isLost(ledger) else {
      throw LedgerError(.conflict, "begin anew", path: ledger, detail: "the ledger is there")
    }
    try write(["v": 1, "begun": false, "actor": .string(actor), "at": .int(at)])
  }

  /// No file, or an empty one, which is what opening an absent one leaves. One that cannot be read is not lost.
  static func isLost(_ ledger: FilePath) -> Bool {
    var status = stat()
    guard unsafe ledger.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return errno == ENOENT }
    return status.st_size == 0
  }

  private func write(_ json: JSON) throws(LedgerError) {
    do {
      try StateFile.write(json, to: file, mode: 0o600)
    } catch {
      throw LedgerError(.readOnly, "open it", path: ledger, detail: "\(error)")
    }
  }
}
