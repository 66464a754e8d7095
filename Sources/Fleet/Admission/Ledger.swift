import CLinux
internal import GRDB
import Glibc
package import SystemPackage
import Tenant

/// The fleet's book of money and of the few orders that must survive: one SQLite file, owned by the supervisor alone.
///
/// Every call is synchronous, ends with its transaction on disk (WAL, `synchronous = FULL`), and belongs on a blocking lane.
/// A ledger that cannot be used throws a `LedgerError` from every call, and the caller starts nothing; each call tries to open the
/// file anew, so it recovers by itself as soon as the cause is gone.
package final class Ledger: Sendable {
  package let path: FilePath
  private let connection: Locked<Connection?>

  /// How long a call waits for a foreign lock before it reports `locked`.
  private let patience: Double

  /// An open file, and which file that was: an operator may put another in its place.
  private struct Connection {
    let queue: DatabaseQueue
    let inode: UInt64
  }

  private let mark: LedgerMark
  private let hasOpened = Locked(false)
  /// Closings that a ledger in trouble could not take: they go in before the next call that asks it anything.
  private let backlog: Locked<[Closing]>

  struct Closing: Sendable {
    let id: ReservationID
    let tenant: TenantID
    /// Nil: bound. Empty: nothing to charge.
    let charges: [Charge]?
    let countsDecide: Bool
    let now: ClockReading
  }

  /// Does not touch the file; the first call does.
  package init(path: FilePath, patience: Double = 1) {
    self.path = path
    self.patience = patience
    mark = LedgerMark(beside: path)
    connection = Locked(nil)
    backlog = Locked([])
  }

  /// How many closings wait for the ledger to be usable again.
  package var backlogCount: Int { backlog.withLock { $0.count } }

  /// Opens the file if need be, checks it and brings its tables up to date. Throws what any other call would.
  package func verify() throws(LedgerError) {
    try read("open it") { _ in }
  }

  /// Closes the file; the next call opens it again.
  package func close() {
    connection.withLock { $0 = nil }
  }

  /// One statement as it stands. Not for the product, which has a call for each thing it does; the tests age and damage ledgers with it.
  func execute(sql: String) throws(LedgerError) {
    try write("execute a statement") { try $0.execute(sql: sql) }
  }

  /// Runs in one transaction that is on disk when this returns.
  func write<Value>(_ operation: String, _ body: (Database) throws -> Value) throws(LedgerError) -> Value {
    let (value, written) = try perform(operation) { queue in
      try queue.write { database in
        // With what could not be written before, in the same transaction: no answer may be given that leaves it out.
        let waiting = backlog.withLock { $0 }
        for closing in waiting {
          do {
            _ = try Self.close(closing, database)
          } catch let error as LedgerError where error.code == .conflict {
            // Closed or gone meanwhile: there is nothing left to do for it.
            continue
          }
        }
        return (try body(database), waiting.count)
      }
    }
    backlog.withLock { $0.removeFirst(min(written, $0.count)) }
    return value
  }

  /// Closes a hold, or keeps the closing until it can be done and throws why it could not.
  func close(_ closing: Closing, _ operation: String) throws(LedgerError) -> SettleOutcome {
    do {
      return try write(operation) { try Self.close(closing, $0) }
    } catch {
      if error.code != .conflict, error.code != .internalFailure { backlog.withLock { $0.append(closing) } }
      throw error
    }
  }

  func read<Value>(_ operation: String, _ body: (Database) throws -> Value) throws(LedgerError) -> Value {
    if backlogCount > 0 { try write("catch up") { _ in } }
    return try perform(operation) { queue in try queue.read(body) }
  }

  private func perform<Value>(_ operation: String, _ body: (DatabaseQueue) throws -> Value) throws(LedgerError) -> Value
  {
    do {
      return try body(try open(operation))
    } catch {
      let failure = translated(error, operation)
      // A refused value or a foreign lock says nothing against the connection; everything else is met with a fresh one.
      if failure.code != .conflict, failure.code != .locked { close() }
      throw failure
    }
  }

  private func open(_ operation: String) throws -> DatabaseQueue {
    try connection.withLock { connection in
      let inode = inodeOnDisk()
      if let current = connection {
        if current.inode == inode { return current.queue }
        // Moved away or replaced: what would be written now would be lost.
        connection = nil
      }
      let known = try mark.read()
      let queue = try Self.opened(path, patience: patience, mayBegin: mayBegin(known))
      try begun(queue, known)
      guard let inode = inodeOnDisk() else {
        throw LedgerError(.unavailable, operation, path: path, detail: "it vanished while it was opened")
      }
      connection = Connection(queue: queue, inode: inode)
      hasOpened.withLock { $0 = true }
      return queue
    }
  }

  /// An empty file is a new ledger only where there was none, or by somebody's order.
  private func mayBegin(_ known: LedgerMark.Reading) -> Bool {
    switch known {
    case .absent: !hasOpened.withLock { $0 }
    case .begun: false
    case .anew: true
    }
  }

  /// From here on it can be missed.
  private func begun(_ queue: DatabaseQueue, _ known: LedgerMark.Reading) throws {
    if case .anew(let actor, let at) = known {
      let entry = AuditEntry(
        at: at, actor: actor, via: "cli", action: "ledger begun anew", scope: .fleet, detail: "the old one was lost")
      try queue.write { try Self.audit(entry, $0) }
    }
    if known != .begun { try mark.setBegun() }
  }

  private static func opened(_ path: FilePath, patience: Double, mayBegin: Bool) throws -> DatabaseQueue {
    guard mayBegin || !LedgerMark.isLost(path) else { throw LedgerError(.lost, "open it", path: path, detail: "") }
    var configuration = Configuration()
    configuration.label = "ledger"
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(patience)
    configuration.foreignKeysEnabled = true
    let queue = try DatabaseQueue(path: path.string, configuration: configuration)
    try queue.inDatabase { database in
      let owner = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
      guard owner == LedgerSchema.applicationID || (owner == 0 && isEmpty) else {
        throw LedgerError(.corrupt, "open it", path: path, detail: "it is some other program's database")
      }
      guard mayBegin || !isEmpty else {
        throw LedgerError(.lost, "open it", path: path, detail: "")
      }
      let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
      guard verdict == "ok" else {
        throw LedgerError(.corrupt, "open it", path: path, detail: verdict ?? "no answer to quick_check")
      }
      // After the journal mode: GRDB lowers it to NORMAL there, which may lose the last commits on a power cut.
      try database.execute(sql: "PRAGMA synchronous = FULL")
      if owner == 0 { try database.execute(sql: "PRAGMA application_id = \(LedgerSchema.applicationID)") }
      guard try !LedgerSchema.migrator.hasBeenSuperseded(database) else {
        throw LedgerError(.newer, "open it", path: path, detail: "")
      }
    }
    try LedgerSchema.migrator.migrate(queue)
    return queue
  }

  private func inodeOnDisk() -> UInt64? {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return UInt64(status.st_ino)
  }

  private func translated(_ error: any Error, _ operation: String) -> LedgerError {
    if let error = error as? LedgerError {
      return LedgerError(error.code, operation, path: path, detail: error.detail)
    }
    guard let error = error as? DatabaseError else {
      return LedgerError(.internalFailure, operation, path: path, detail: "\(error)")
    }
    let code: LedgerError.Code =
      switch error.resultCode {
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
      case .SQLITE_BUSY, .SQLITE_LOCKED: .locked
      case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: .readOnly
      case .SQLITE_FULL: .full
      case .SQLITE_CANTOPEN, .SQLITE_IOERR, .SQLITE_NOLFS: .unavailable
      default: .internalFailure
      }
    return LedgerError(code, operation, path: path, detail: error.message ?? "\(error.resultCode)")
  }
}

extension BudgetScope {
  /// How a scope is written in the ledger. A tenant's name cannot begin with `*`.
  var key: String {
    switch self {
    case .fleet: "*"
    case .tenant(let tenant): tenant.name
    }
  }

  init?(key: String) {
    if key == "*" { self = .fleet } else if let tenant = TenantID(key) { self = .tenant(tenant) } else { return nil }
  }
}
