import Glibc
package import SystemPackage

/// A `flock` that lives as long as this value: the kernel frees it on any death of the holder.
package struct FileLock: ~Copyable, Sendable {
  package let descriptor: OwnedDescriptor

  package init(owning descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

  /// Waits for the lock.
  package init(waitingFor path: FilePath) throws(HostError) {
    let file = try OwnedDescriptor(opening: path, O_RDWR | O_CREAT, mode: 0o644, operation: "lock")
    while flock(file.raw, LOCK_EX) != 0 {
      guard errno == EINTR else { throw .last("lock", path) }
    }
    self.init(owning: file)
  }

  /// `nil` where somebody else holds it.
  ///
  /// Who only asks (``isHeld(_:)``, and looop 1.0) shares the lock for an instant, and that must not look like a holder: where a share can be
  /// had, nobody holds it, and the next try comes at once.
  package static func tryTaking(_ path: FilePath) throws(HostError) -> FileLock? {
    let file = try OwnedDescriptor(opening: path, O_RDWR | O_CREAT, mode: 0o644, operation: "lock")
    for _ in 0..<maximumTries {
      if flock(file.raw, LOCK_EX | LOCK_NB) == 0 { return FileLock(owning: file) }
      if errno == EINTR { continue }
      guard errno == EWOULDBLOCK else { throw .last("lock", path) }
      guard flock(file.raw, LOCK_SH | LOCK_NB) == 0 else {
        if errno == EINTR { continue }
        return nil
      }
      _ = flock(file.raw, LOCK_UN)
      usleep(UInt32.random(in: 20...500))
    }
    return nil
  }

  /// Who can open a lock can hold it: for one that others must not keep from us.
  package func closeToOthers(_ path: FilePath) throws(HostError) {
    guard fchmod(descriptor.raw, 0o600) == 0 else { throw .last("set the mode of", path) }
  }

  /// Askers by the thousand, one after the other, are somebody's way of holding it.
  private static let maximumTries = 2000

  /// Whether somebody holds it now, without creating the file or keeping the lock.
  package static func isHeld(_ path: FilePath) -> Bool {
    do throws(HostError) {
      let file = try OwnedDescriptor(opening: path, O_RDONLY, operation: "lock")
      if flock(file.raw, LOCK_SH | LOCK_NB) == 0 {
        _ = flock(file.raw, LOCK_UN)
        return false
      }
      return errno == EWOULDBLOCK
    } catch {
      // A lock file that nobody can open is held by nobody we could know of.
      return false
    }
  }

  /// Runs `body` while the lock is held; it is not given back before its end.
  package borrowing func whileHeld<Value, Failure: Error>(
    _ body: () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    try await body()
  }

  /// Runs `body` under a directory's writer lock (`.dirlock`, kept forever).
  package static func withDirectory<Result, Failure: Error>(
    _ directory: FilePath, _ body: () throws(Failure) -> Result
  ) throws -> Result {
    let lock = try FileLock(waitingFor: directory.appending(".dirlock"))
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    return try body()
  }
}
