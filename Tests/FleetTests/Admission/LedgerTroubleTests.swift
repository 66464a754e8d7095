import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// A ledger that cannot be used: every call says why, nothing is granted, nothing is lost, and it goes on by itself.
@Suite struct LedgerTroubleTests {
  private static let caps = BudgetCaps(usd: MicroUSD(micros: 1_000_000))

  /// A ledger with one settled run (0.20 $) and one open hold (0.30 $).
  private func used() throws -> (fixture: LedgerFixture, open: ReservationID) {
    let fixture = try LedgerFixture()
    let done = try #require(try fixture.reserve(fixture.request(), worst: 300_000, caps: Self.caps).granted)
    try fixture.ledger.settle(done, of: .web, charges: [LedgerFixture.charge("e", 200_000)], now: fixture.now)
    let open = try #require(try fixture.reserve(fixture.request(), worst: 300_000, caps: Self.caps).granted)
    return (fixture, open)
  }

  private func expect(
    _ code: LedgerError.Code, _ body: () throws -> Void, _ location: SourceLocation = #_sourceLocation
  ) {
    let failure = #expect(throws: LedgerError.self, sourceLocation: location) { try body() }
    #expect(failure?.code == code, "\(failure?.description ?? "")", sourceLocation: location)
    #expect(failure?.hint.isEmpty == false, sourceLocation: location)
  }

  private func checkWhole(_ fixture: LedgerFixture, open: ReservationID) throws {
    #expect(
      try fixture.state(.web, Self.caps).usd == BudgetAxisState(spent: 200_000, reserved: 300_000, cap: 1_000_000))
    #expect(try fixture.ledger.openReservations().map(\.id) == [open])
    #expect(try fixture.ledger.audited() == [])
  }

  private func shell(_ script: String) -> Int32 {
    Shell.succeeds(script) ? 0 : 1
  }

  @Test func `damaged: all is refused until a good copy lies there`() throws {
    let (fixture, open) = try used()
    fixture.ledger.close()
    let good = try FileReading.read(fixture.path)
    var bad = good
    for index in 100..<min(bad.count, 60_000) { bad[index] = UInt8(truncatingIfNeeded: index &* 31) }
    try AtomicFile.write(bad, to: fixture.path)
    for _ in 0..<2 {
      expect(.corrupt) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
    }
    expect(.corrupt) { _ = try fixture.ledger.openReservations() }
    #expect(try FileReading.read(fixture.path) == bad, "a damaged ledger is left as it is")
    try AtomicFile.write(good, to: fixture.path)
    try checkWhole(fixture, open: open)
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps).granted != nil)
  }

  @Test(arguments: ["", "this is no database, it is a text that is long enough to be looked at as a header of one"])
  func `no ledger at all: a text is refused, an empty file is a new ledger`(contents: String) throws {
    let fixture = try LedgerFixture()
    try AtomicFile.write(contents, to: fixture.path)
    if contents.isEmpty {
      #expect(try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps).granted != nil)
    } else {
      expect(.corrupt) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
    }
  }

  @Test func `damaged while it is open: the next look at it says so`() throws {
    let (fixture, _) = try used()
    // Closed once, so that the log beside it is empty and cannot heal it; and in place, so that it is the same file.
    fixture.ledger.close()
    try fixture.ledger.verify()
    let size = try FileReading.read(fixture.path).count
    let handle = open(fixture.path.string, O_WRONLY)
    #expect(handle >= 0)
    let noise = [UInt8](repeating: 0xA5, count: size)
    #expect(pwrite(handle, noise, size, 0) == size)
    close(handle)
    fixture.reopen()
    expect(.corrupt) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
  }

  @Test func `another program's database is left alone`() throws {
    let fixture = try LedgerFixture()
    guard shell("command -v sqlite3") == 0 else { return }
    #expect(shell("sqlite3 \(fixture.path) 'create table t (x); insert into t values (1)'") == 0)
    expect(.corrupt) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
    #expect(shell("test $(sqlite3 \(fixture.path) 'select count(*) from sqlite_master') = 1") == 0)
  }

  @Test func `locked by another: refused after a moment, and fine afterwards`() throws {
    let (fixture, open) = try used()
    let other = Ledger(path: fixture.path, patience: 0.1)
    try other.write("hold the lock") { _ in
      expect(.locked) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
      expect(.locked) {
        try fixture.ledger.settle(open, of: .web, charges: [LedgerFixture.charge("late", 100_000)], now: fixture.now)
      }
    }
    #expect(fixture.ledger.backlogCount == 1)
    // What could not be settled then is settled before the next answer is given.
    #expect(try fixture.state(.web, Self.caps).usd == BudgetAxisState(spent: 300_000, reserved: 0, cap: 1_000_000))
    #expect(fixture.ledger.backlogCount == 0)
    #expect(try fixture.ledger.openReservations() == [])
  }

  @Test func `moved away: nothing is written to the lost file`() throws {
    let (fixture, open) = try used()
    let aside = fixture.scratch.appending("aside.sqlite")
    #expect(
      shell("sqlite3 \(fixture.path) 'pragma wal_checkpoint(truncate)' >/dev/null; mv \(fixture.path) \(aside)") == 0)
    // The directory is there, so a new ledger would open: one that knows of no hold. The old one comes back first.
    #expect(shell("mv \(aside) \(fixture.path)") == 0)
    try checkWhole(fixture, open: open)
    let copy = fixture.scratch.appending("copy.sqlite")
    fixture.ledger.close()
    #expect(shell("cp \(fixture.path) \(copy)") == 0)
    try checkWhole(fixture, open: open)
    #expect(shell("mv \(copy) \(fixture.path) && rm -f \(fixture.path)-wal \(fixture.path)-shm") == 0)
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps).granted != nil)
    fixture.reopen()
    #expect(try fixture.ledger.openReservations().count == 2, "the hold went to the file that is there")
  }

  @Test(arguments: [true, false])
  func `lost between two lives: refused until it is back, or somebody orders a new one`(leavesFile: Bool) throws {
    let (fixture, open) = try used()
    try fixture.ledger.give(.freeze, to: .tenant(.api), actor: "alice", via: "cli", now: fixture.now)
    let mark = LedgerMark(beside: fixture.path)
    #expect(throws: LedgerError.self, "nothing is lost") { try mark.orderAnew(actor: "mallory", at: 1) }
    fixture.ledger.close()
    let aside = fixture.scratch.appending("aside")
    #expect(shell("mkdir \(aside) && mv \(fixture.path)* \(aside)/") == 0)
    // What the supervisor's start leaves there.
    if leavesFile { try AtomicFile.write("", to: fixture.path) }
    fixture.reopen()
    for _ in 0..<2 {
      expect(.lost) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
      expect(.lost) { _ = try fixture.ledger.orders() }
    }
    #expect(shell("mv \(aside)/* \(fixture.scratch.path)/") == 0)
    try checkWhole(fixture, open: open)
    #expect(try fixture.ledger.orders().count == 1)

    fixture.ledger.close()
    #expect(shell("rm \(fixture.path)*") == 0)
    fixture.reopen()
    expect(.lost) { _ = try fixture.ledger.orders() }
    try mark.orderAnew(actor: "alice", at: 7)
    #expect(try fixture.ledger.orders() == [], "whoever has it open follows")
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps).granted != nil)
    #expect(try fixture.ledger.auditLog().map { "\($0.actor) \($0.action) \($0.at)" } == ["alice ledger begun anew 7"])
    // The order was for one.
    fixture.ledger.close()
    #expect(shell("rm \(fixture.path)*") == 0)
    expect(.lost) { _ = try fixture.ledger.orders() }
  }

  @Test func `its directory is gone: refused, and fine when it is back`() throws {
    let fixture = try LedgerFixture()
    let path = fixture.scratch.appending("state/ledger.sqlite")
    fixture.ledger = Ledger(path: path)
    expect(.unavailable) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
    try Directory.create(fixture.scratch.appending("state"))
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps).granted != nil)
  }

  @Test func `written by a later version: refused`() throws {
    let (fixture, _) = try used()
    try fixture.ledger.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 the future')")
    fixture.reopen()
    expect(.newer) { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
  }

  /// A file system of its own, small enough to fill. Needs root; the run shows the skip.
  private static let canMount: Bool = {
    guard geteuid() == 0, let scratch = try? ScratchDirectory("mount") else { return false }
    return Shell.succeeds("mount -t tmpfs -o size=64k tmpfs \(scratch.path) && umount \(scratch.path)")
  }()

  @Test(.enabled(if: canMount, "needs to mount a small file system"))
  func `a full disk: held, nothing lost, and on again`()
    throws
  {
    let fixture = try LedgerFixture()
    let disk = fixture.scratch.appending("disk")
    try Directory.create(disk)
    #expect(shell("mount -t tmpfs -o size=4m tmpfs \(disk)") == 0)
    defer { _ = shell("umount -l \(disk)") }
    fixture.ledger = Ledger(path: disk.appending("ledger.sqlite"), patience: 0.2)
    let open = try #require(try fixture.reserve(fixture.request(), worst: 300_000, caps: Self.caps).granted)
    #expect(shell("dd if=/dev/zero of=\(disk)/ballast bs=4k 2>/dev/null; true") == 0)
    var failure: LedgerError?
    for _ in 0..<200 where failure == nil {
      do { _ = try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) } catch {
        failure = error as? LedgerError
      }
    }
    #expect(failure?.code == .full)
    expect(.full) {
      try fixture.ledger.settle(open, of: .web, charges: [LedgerFixture.charge("late", 100_000)], now: fixture.now)
    }
    fixture.ledger.close()
    #expect(throws: LedgerError.self) { try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps) }
    #expect(shell("rm \(disk)/ballast") == 0)
    let state = try fixture.state(.web, Self.caps)
    #expect(state.usd.spent == 100_000)
    #expect(try !fixture.ledger.openReservations().map(\.id).contains(open))
    #expect(try fixture.ledger.audited() == [])
    fixture.ledger.close()
  }

  @Test(.enabled(if: canMount, "needs to mount a small file system"))
  func `a read-only file system: held, and on again`()
    throws
  {
    let fixture = try LedgerFixture()
    let disk = fixture.scratch.appending("disk")
    try Directory.create(disk)
    #expect(shell("mount -t tmpfs -o size=4m tmpfs \(disk)") == 0)
    defer { _ = shell("umount -l \(disk)") }
    fixture.ledger = Ledger(path: disk.appending("ledger.sqlite"), patience: 0.2)
    let open = try #require(try fixture.reserve(fixture.request(), worst: 300_000, caps: Self.caps).granted)
    fixture.ledger.close()
    #expect(shell("mount -o remount,ro \(disk)") == 0)
    let failure = #expect(throws: LedgerError.self) {
      try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps)
    }
    #expect([.readOnly, .unavailable].contains(failure?.code))
    #expect(shell("mount -o remount,rw \(disk)") == 0)
    #expect(try fixture.ledger.openReservations().map(\.id) == [open])
    #expect(try fixture.reserve(fixture.request(), worst: 1, caps: Self.caps).granted != nil)
    fixture.ledger.close()
  }
}
