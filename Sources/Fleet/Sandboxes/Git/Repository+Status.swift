import CGit2
import SystemPackage

/// One path that differs from HEAD or from the index.
struct StatusEntry: Hashable, Sendable {
  enum Kind: Hashable, Sendable { case staged, modified, deleted, untracked, ignored, conflicted }
  /// Relative to the working tree, byte for byte as on the disk. An untracked nested repository ends with `/`.
  var path: FilePath
  var kinds: Set<Kind>
  var isDirectory: Bool
}

extension Repository {
  /// What differs in the working tree. Reads only: the worktree's index file is not refreshed.
  func status(ignored: Bool = false, deep: Bool = false) throws(GitError) -> [StatusEntry] {
    var options = unsafe git_status_options()
    unsafe git_status_options_init(&options, UInt32(GIT_STATUS_OPTIONS_VERSION))
    unsafe options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR
    unsafe options.flags =
      GIT_STATUS_OPT_INCLUDE_UNTRACKED.rawValue | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS.rawValue
      | GIT_STATUS_OPT_INCLUDE_UNREADABLE.rawValue
    if ignored { unsafe options.flags |= GIT_STATUS_OPT_INCLUDE_IGNORED.rawValue }
    if deep { unsafe options.flags |= GIT_STATUS_OPT_RECURSE_IGNORED_DIRS.rawValue }
    var list: OpaquePointer?
    try check("read the status", unsafe git_status_list_new(&list, pointer, &options))
    defer { unsafe git_status_list_free(list) }
    var found: [StatusEntry] = []
    for position in unsafe 0..<git_status_list_entrycount(list) {
      guard let entry = unsafe git_status_byindex(list, position) else { continue }
      let kinds = Self.kinds(unsafe entry.pointee.status.rawValue)
      guard !kinds.isEmpty else { continue }
      let delta = unsafe entry.pointee.index_to_workdir ?? entry.pointee.head_to_index
      guard let path = unsafe delta?.pointee.new_file.path ?? delta?.pointee.old_file.path else { continue }
      let last = unsafe String(cString: path).utf8.last
      found.append(
        StatusEntry(path: unsafe FilePath(platformString: path), kinds: kinds, isDirectory: last == UInt8(ascii: "/")))
    }
    return found
  }

  private static func kinds(_ flags: UInt32) -> Set<StatusEntry.Kind> {
    func has(_ statuses: git_status_t...) -> Bool { statuses.contains { flags & $0.rawValue != 0 } }
    var kinds: Set<StatusEntry.Kind> = []
    if has(
      GIT_STATUS_INDEX_NEW, GIT_STATUS_INDEX_MODIFIED, GIT_STATUS_INDEX_DELETED, GIT_STATUS_INDEX_RENAMED,
      GIT_STATUS_INDEX_TYPECHANGE)
    {
      kinds.insert(.staged)
    }
    if has(GIT_STATUS_WT_MODIFIED, GIT_STATUS_WT_TYPECHANGE, GIT_STATUS_WT_RENAMED, GIT_STATUS_WT_UNREADABLE) {
      kinds.insert(.modified)
    }
    if has(GIT_STATUS_WT_DELETED) { kinds.insert(.deleted) }
    if has(GIT_STATUS_WT_NEW) { kinds.insert(.untracked) }
    if has(GIT_STATUS_IGNORED) { kinds.insert(.ignored) }
    if has(GIT_STATUS_CONFLICTED) { kinds.insert(.conflicted) }
    return kinds
  }

  /// What is under way in this worktree (a merge, a rebase, …), in git's own word, or `nil`.
  var operationInProgress: String? {
    switch git_repository_state_t(rawValue: UInt32(bitPattern: unsafe git_repository_state(pointer))) {
    case GIT_REPOSITORY_STATE_NONE: nil
    case GIT_REPOSITORY_STATE_MERGE: "merge"
    case GIT_REPOSITORY_STATE_REVERT, GIT_REPOSITORY_STATE_REVERT_SEQUENCE: "revert"
    case GIT_REPOSITORY_STATE_CHERRYPICK, GIT_REPOSITORY_STATE_CHERRYPICK_SEQUENCE: "cherry-pick"
    case GIT_REPOSITORY_STATE_BISECT: "bisect"
    case GIT_REPOSITORY_STATE_APPLY_MAILBOX: "am"
    default: "rebase"
    }
  }

  /// Paths whose changes `git` was told not to see (`--assume-unchanged`, `--skip-worktree`): status is blind to them.
  func hiddenPaths() throws(GitError) -> [(path: FilePath, id: ObjectID)] {
    var handle: OpaquePointer?
    try check("open the index", unsafe git_repository_index(&handle, pointer))
    defer { unsafe git_index_free(handle) }
    var found: [(path: FilePath, id: ObjectID)] = []
    for position in unsafe 0..<git_index_entrycount(handle) {
      guard let entry = unsafe git_index_get_byindex(handle, position) else { continue }
      let assumed = unsafe UInt32(entry.pointee.flags) & GIT_INDEX_ENTRY_VALID.rawValue != 0
      let skipped = unsafe UInt32(entry.pointee.flags_extended) & GIT_INDEX_ENTRY_SKIP_WORKTREE.rawValue != 0
      if assumed || skipped {
        found.append((unsafe FilePath(platformString: entry.pointee.path), unsafe ObjectID(entry.pointee.id)))
      }
    }
    return found
  }

  /// The blob that `git add` would make of a file, without writing it.
  func hash(_ file: FilePath, as path: FilePath) throws(GitError) -> ObjectID {
    var raw = git_oid()
    let status = unsafe file.withPlatformString { file in
      unsafe path.withPlatformString { unsafe git_repository_hashfile(&raw, pointer, file, GIT_OBJECT_BLOB, $0) }
    }
    try check("hash \(file)", status)
    return ObjectID(raw)
  }
}
