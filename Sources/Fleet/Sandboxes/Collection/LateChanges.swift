import CLinux
import Glibc
import SystemPackage
import Tenant

/// Whether anything in a tree that was just moved aside, or in its registration, changed since a look at it began. A write whose file was
/// opened before, or by a path that was found before, comes after the look and is in nobody's verdict.
enum LateChanges {
  /// A moment after everything that was written so far: the kernel's stamps stand still for some milliseconds, and what has the same one may
  /// be older or newer.
  static func beginning() -> Int64 {
    let now = HostClock.fileStamp()
    while HostClock.fileStamp() <= now { usleep(500) }
    return HostClock.fileStamp()
  }

  /// - `began`: as files are stamped (nanoseconds since 1970).
  static func exist(in tree: FilePath, _ worktree: Worktree?, since began: Int64) -> Bool {
    // The move itself changed the stamp of the directory's own status; that of its names only if there are others now.
    guard let status = Files.status(tree), stamp(status.st_mtim) < began else { return true }
    return ([tree] + [worktree?.directory].compactMap { $0 }).contains { place in
      TreeWalk.run(place) { entry in
        guard let status = entry.status else { return .pass }
        return stamp(status.st_ctim) < began ? .enter : .stop
      } != .complete
    }
  }

  static func stamp(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
}
