import CLinux
import Glibc
import SystemPackage
import Tenant

/// A directory for something in the making. Its maker holds a lock in it, so that whoever sweeps can tell a dead maker's
/// leftovers from work in progress: the kernel drops the lock on any death.
struct Staging: ~Copyable {
  let directory: FilePath
  private let lock: FileLock

  init(in parent: FilePath, for name: String) throws {
    while true {
      let directory = parent.appending(Files.uniqueName(name))
      try Files.makeDirectory(directory, mode: 0o700)
      if let lock = try FileLock.tryTaking(directory.appending(Self.lockName)) {
        self.directory = directory
        self.lock = lock
        return
      }
    }
  }

  private static let lockName = "maker.lock"

  /// Drops what is left. A failure is left to the sweep, which tries again.
  consuming func discard() { try? Directory.removeTree(directory) }

  /// Removes what dead makers left below `parent`; says what it removed. The grace covers the moment between making the
  /// directory and locking it.
  static func sweep(_ parent: FilePath, grace: Int64 = 10) -> [FilePath] {
    var removed: [FilePath] = []
    for name in Files.names(parent) {
      let directory = parent.appending(name)
      guard Files.isOlder(directory, than: grace), !FileLock.isHeld(directory.appending(lockName))
      else { continue }
      // What cannot be removed now is tried again by the next sweep, and shows in the disk figures until then.
      do { try TreeRemoval.remove(directory) } catch { continue }
      removed.append(directory)
    }
    return removed
  }
}
