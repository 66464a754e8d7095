import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct FileLockTests {
  @Test func `who asks whether a lock is held does not hold it`() async throws {
    let scratch = try ScratchDirectory()
    let path = scratch.appending("lock")
    _ = try FileLock.tryTaking(path)
    let over = Locked(false)
    async let asked = Self.ask(path, until: over)
    var refused = 0
    for _ in 0..<2000 {
      let lock = try FileLock.tryTaking(path)
      if lock == nil { refused += 1 }
    }
    over.withLock { $0 = true }
    #expect(refused == 0, "a starting pulse would have called itself busy")
    #expect(await asked > 0)
  }

  @concurrent private static func ask(_ path: FilePath, until over: Locked<Bool>) async -> Int {
    var asked = 0
    repeat {
      _ = FileLock.isHeld(path)
      asked += 1
    } while !over.withLock { $0 }
    return asked
  }

  @Test func `who holds it is seen, and refuses others`() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.appending("lock")
    #expect(!FileLock.isHeld(path) && !scratch.exists("lock"))
    let lock = try FileLock.tryTaking(path)
    #expect(lock != nil && FileLock.isHeld(path))
    #expect(try FileLock.tryTaking(path) == nil)
    withExtendedLifetime(lock) {}
  }
}
