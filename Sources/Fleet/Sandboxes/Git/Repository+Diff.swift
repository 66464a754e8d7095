import CGit2
import SystemPackage

extension Repository {
  struct DiffSummary: Sendable {
    var patch: String
    var isCut: Bool
    var files: Int
    var insertions: Int
    var deletions: Int
  }

  /// A commit against this worktree as it stands, untracked files included. No external diff program is run.
  func diff(from base: ObjectID, limit: Int) throws(GitError) -> DiffSummary {
    let tree = try TreeHandle(of: base, in: self)
    var options = unsafe git_diff_options()
    unsafe git_diff_options_init(&options, UInt32(GIT_DIFF_OPTIONS_VERSION))
    unsafe options.flags =
      GIT_DIFF_INCLUDE_UNTRACKED.rawValue | GIT_DIFF_RECURSE_UNTRACKED_DIRS.rawValue
      | GIT_DIFF_SHOW_UNTRACKED_CONTENT.rawValue
    var diff: OpaquePointer?
    if isBare {
      throw GitError(.failed, "compare", "a bare repository has no files to compare")
    }
    try check(
      "compare with \(base)", unsafe git_diff_tree_to_workdir_with_index(&diff, pointer, tree.pointer, &options))
    defer { unsafe git_diff_free(diff) }
    return unsafe try Self.summary(diff!, limit)
  }

  /// One commit against another.
  func diff(from base: ObjectID, to tip: ObjectID, limit: Int) throws(GitError) -> DiffSummary {
    let old = try TreeHandle(of: base, in: self)
    let new = try TreeHandle(of: tip, in: self)
    var diff: OpaquePointer?
    try check("compare", unsafe git_diff_tree_to_tree(&diff, pointer, old.pointer, new.pointer, nil))
    defer { unsafe git_diff_free(diff) }
    return unsafe try Self.summary(diff!, limit)
  }

  private static func summary(_ diff: OpaquePointer, _ limit: Int) throws(GitError) -> DiffSummary {
    var stats: OpaquePointer?
    try check("count changes", unsafe git_diff_get_stats(&stats, diff))
    defer { unsafe git_diff_stats_free(stats) }
    var text = unsafe git_buf()
    defer { unsafe git_buf_dispose(&text) }
    try check("print the difference", unsafe git_diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH))
    let size = unsafe text.size
    let bytes = unsafe UnsafeRawBufferPointer(start: text.ptr, count: min(size, limit))
    return DiffSummary(
      patch: String(decoding: unsafe [UInt8](bytes), as: UTF8.self), isCut: size > limit,
      files: unsafe git_diff_stats_files_changed(stats), insertions: unsafe git_diff_stats_insertions(stats),
      deletions: unsafe git_diff_stats_deletions(stats))
  }

  /// The first lines of commits' messages.
  func summaries(_ commits: [ObjectID]) throws(GitError) -> [(ObjectID, String)] {
    var found: [(ObjectID, String)] = []
    for id in commits {
      var commit: OpaquePointer?
      var raw = id.raw
      try check("read commit \(id)", unsafe git_commit_lookup(&commit, pointer, &raw))
      defer { unsafe git_commit_free(commit) }
      found.append((id, unsafe git_commit_summary(commit).map { unsafe String(cString: $0) } ?? ""))
    }
    return found
  }

  /// Moves a clean checkout from one commit to another; a file that is in the way stops it before anything is written (`.conflict`), also one
  /// that git ignores. `force`: back again, whatever a move that was cut off has left.
  func checkOut(_ tip: ObjectID, over old: ObjectID, force: Bool = false) throws(GitError) {
    let new = try TreeHandle(of: tip, in: self)
    let baseline = try TreeHandle(of: old, in: self)
    var options = unsafe git_checkout_options()
    unsafe git_checkout_options_init(&options, UInt32(GIT_CHECKOUT_OPTIONS_VERSION))
    unsafe options.checkout_strategy =
      force ? GIT_CHECKOUT_FORCE.rawValue : GIT_CHECKOUT_SAFE.rawValue | GIT_CHECKOUT_DONT_OVERWRITE_IGNORED.rawValue
    unsafe options.baseline = baseline.pointer
    try check("check out \(tip)", unsafe git_checkout_tree(pointer, new.pointer, &options))
  }
}
