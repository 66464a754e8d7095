import SystemPackage
import Tenant

/// Lock files of refs whose writer was killed: nobody else ever takes them away, and the ref could never be written again.
///
/// Only among refs that are ours, where a lock is held for microseconds. Anywhere else a slow program may still hold it.
struct DeadRefLocks: Sendable {
  var common: FilePath
  /// Seconds after which no living writer holds a lock.
  var age: Int64 = 3

  private static let spaces = ["refs/heads/looop", "refs/looop"]
  private static let ending = ".lock"

  /// Takes the lock of one ref away if it is dead.
  func remove(of name: String) {
    guard Self.spaces.contains(where: { name.hasPrefix($0 + "/") }) else { return }
    let lock = common.appending(name + Self.ending)
    if isDead(lock) { AtomicFile.remove(lock) }
  }

  func all() -> [FilePath] { Self.spaces.flatMap { locks(below: common.appending($0), depth: 0) } }

  private func locks(below directory: FilePath, depth: Int) -> [FilePath] {
    guard depth < 16, Files.isDirectory(directory) else { return [] }
    return Files.names(directory).flatMap { name -> [FilePath] in
      let path = directory.appending(name)
      if name.hasSuffix(Self.ending) { return isDead(path) ? [path] : [] }
      return locks(below: path, depth: depth + 1)
    }
  }

  private func isDead(_ lock: FilePath) -> Bool { Files.isRegular(lock) && Files.isOlder(lock, than: age) }
}
