import CGit2
import Tenant

/// libgit2's process-wide state: started once, with the settings every operation here relies on. The check of a
/// repository's owner stays on: a repository of somebody else is refused, never trusted.
enum GitRuntime {
  private static let started: CInt = {
    let count = git_libgit2_init()
    _ = cgit2_set_owner_validation(1)
    _ = cgit2_set_hash_verification(0)
    // A sandbox reads each blob once: what a second reading would save is not worth holding.
    _ = cgit2_set_cache_size(1 << 20)
    _ = cgit2_set_window_size(4 << 20)
    _ = cgit2_set_mapped_limit(64 << 20)
    // Git itself knows per-worktree configuration; libgit2 opens such repositories once it is told to.
    unsafe "worktreeConfig".withCString { name in
      var names: [UnsafePointer<CChar>?] = unsafe [name]
      _ = unsafe cgit2_set_extensions(&names, 1)
    }
    return count
  }()

  /// Idempotent. The library stays up until the process ends: helpers live for one operation.
  static func start() throws(GitError) {
    guard started > 0 else { throw GitError(.failed, "start libgit2", "initialisation returned \(started)") }
  }

  /// Runs `body` with every object and ref that it writes on the disk before the write returns.
  static func withSynchronousWrites<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    _ = cgit2_set_synchronous_writes(1)
    defer { _ = cgit2_set_synchronous_writes(0) }
    return try body()
  }
}
