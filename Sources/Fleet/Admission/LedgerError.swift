package import SystemPackage

/// Why the ledger could not do what it was asked. Whatever the code: nothing was half written, and no run may start until the
/// ledger answers again.
package struct LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
  package struct Code: RawRepresentable, Sendable, Hashable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    /// The file is damaged, or is not a ledger.
    package static let corrupt = Code(rawValue: "corrupt")
    /// There was one, and there is none: gone, emptied, or an empty one in its place.
    package static let lost = Code(rawValue: "lost")
    /// Another process holds the file.
    package static let locked = Code(rawValue: "locked")
    /// The file or its directory cannot be written.
    package static let readOnly = Code(rawValue: "read_only")
    /// No space left.
    package static let full = Code(rawValue: "full")
    /// The file cannot be opened, read or found where it was.
    package static let unavailable = Code(rawValue: "unavailable")
    /// Written by a newer version of this program.
    package static let newer = Code(rawValue: "newer")
    /// A run id was used for two runs, or a reservation of another tenant was named: our own mistake, or a tenant's lie.
    package static let conflict = Code(rawValue: "conflict")
    package static let internalFailure = Code(rawValue: "internal")
  }

  package let code: Code
  /// What was attempted, as an infinitive: `reserve`.
  package let operation: String
  package let path: FilePath?
  /// The database's own words.
  package let detail: String

  package init(_ code: Code, _ operation: String, path: FilePath?, detail: String) {
    self.code = code
    self.operation = operation
    self.path = path
    self.detail = detail
  }

  package var description: String {
    "cannot \(operation)\(path.map { " in ledger \($0)" } ?? ""): \(reason)"
  }

  /// The cause alone, for a status line: `the ledger is on a full disk`.
  package var reason: String {
    switch code {
    case .corrupt: "the ledger is damaged (\(detail))"
    case .lost: "the ledger is gone, and with it what was spent, held and frozen"
    case .locked: "another process has locked the ledger"
    case .readOnly: "the ledger cannot be written"
    case .full: "the ledger is on a full disk"
    case .unavailable: "the ledger cannot be reached (\(detail))"
    case .newer: "the ledger was written by a newer version"
    default: detail
    }
  }

  package var hint: String {
    switch code {
    case .corrupt: "every decide is held; put a good copy of the file in its place, and the fleet goes on by itself"
    case .lost:
      "put it or a copy of it back as \(path?.string ?? "FILE"); or give up what it knew: looop-fleet budget begin-anew"
    case .locked:
      "find who holds it with `fuser \(path?.string ?? "FILE")`; the fleet goes on by itself once it is free"
    case .readOnly: "make the file and its directory writable for the supervisor; it goes on by itself"
    case .full: "free some space on that file system; the fleet goes on by itself"
    case .unavailable: "check the state directory and its permissions; the fleet goes on by itself"
    case .newer: "run the version that wrote it, or a later one"
    default: "this is a defect of looop-fleet; please report it"
    }
  }
}
