import CGit2
import CLinux
import SystemPackage
import Tenant

/// One open repository (or worktree of one): a libgit2 handle with one owner.
///
/// Nothing here runs a hook, a filter program or any other command that a repository's configuration names: libgit2 knows
/// none of them. That is why the supervisor's helpers look at repositories through it and not through `git`.
@safe
struct Repository: ~Copyable {
  // SAFETY: valid from init to deinit, used by the thread that owns the value.
  let pointer: OpaquePointer
  /// A copy of its index is then read in that one's stead, and cannot be written.
  private let completedIndex: OwnedDescriptor?

  /// Opens what is at `path` and nothing above it. `bare` ignores the working tree (`path` is then the git directory).
  init(opening path: FilePath, bare: Bool = false) throws(GitError) {
    try GitRuntime.start()
    var handle: OpaquePointer?
    let flags = GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue | (bare ? GIT_REPOSITORY_OPEN_BARE.rawValue : 0)
    try check("open repository \(path)", unsafe git_repository_open_ext(&handle, path.string, flags, nil))
    unsafe pointer = handle!
    let index = unsafe FilePath(String(cString: git_repository_path(handle))).appending("index")
    completedIndex = unsafe bare ? nil : Self.completeIndex(of: handle!, at: index)
  }

  /// Creates a bare repository without templates, so without anybody's sample or real hooks.
  init(creatingBare path: FilePath) throws(GitError) {
    try GitRuntime.start()
    var handle: OpaquePointer?
    var options = unsafe git_repository_init_options()
    unsafe git_repository_init_options_init(&options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION))
    unsafe options.flags = GIT_REPOSITORY_INIT_BARE.rawValue | GIT_REPOSITORY_INIT_MKPATH.rawValue
    try check("create repository \(path)", unsafe git_repository_init_ext(&handle, path.string, &options))
    unsafe pointer = handle!
    completedIndex = nil
  }

  deinit { unsafe git_repository_free(pointer) }

  /// The worktree's own git directory, or the repository's.
  var gitDirectory: FilePath { unsafe FilePath(String(cString: git_repository_path(pointer))) }

  /// The directory that all worktrees share: refs, objects, configuration, hooks.
  var commonDirectory: FilePath { unsafe FilePath(String(cString: git_repository_commondir(pointer))) }

  var workDirectory: FilePath? {
    guard let path = unsafe git_repository_workdir(pointer) else { return nil }
    return unsafe FilePath(String(cString: path))
  }

  var isBare: Bool { unsafe git_repository_is_bare(pointer) == 1 }
  /// libgit2's own answer is `false` for every worktree of a shallow clone.
  var isShallow: Bool { (Files.status(commonDirectory.appending("shallow"))?.st_size ?? 0) > 0 }

  /// Resolves any committish (branch, tag, remote branch, object name, `HEAD~2`, …) to its commit.
  func commit(_ committish: String) throws(GitError) -> ObjectID {
    var object: OpaquePointer?
    try check("resolve \(committish)", unsafe git_revparse_single(&object, pointer, committish))
    defer { unsafe git_object_free(object) }
    var commit: OpaquePointer?
    try check("find the commit of \(committish)", unsafe git_object_peel(&commit, object, GIT_OBJECT_COMMIT))
    defer { unsafe git_object_free(commit) }
    return unsafe ObjectID(git_object_id(commit))!
  }

  /// Whether the object is there, in this repository or where it borrows from.
  func contains(_ id: ObjectID) -> Bool {
    var odb: OpaquePointer?
    guard unsafe git_repository_odb(&odb, pointer) == 0 else { return false }
    defer { unsafe git_odb_free(odb) }
    var raw = id.raw
    return unsafe git_odb_exists(odb, &raw) == 1
  }

  func isCommit(_ id: ObjectID) -> Bool {
    var commit: OpaquePointer?
    var raw = id.raw
    guard unsafe git_commit_lookup(&commit, pointer, &raw) == 0 else { return false }
    unsafe git_commit_free(commit)
    return true
  }

  /// A value of the merged configuration, as text.
  func configuration(_ key: String) -> String? {
    var config: OpaquePointer?
    guard unsafe git_repository_config_snapshot(&config, pointer) == 0 else { return nil }
    defer { unsafe git_config_free(config) }
    var value: UnsafePointer<CChar>?
    guard unsafe git_config_get_string(&value, config, key) == 0, let value = unsafe value else { return nil }
    return unsafe String(cString: value)
  }

  func configurationFlag(_ key: String, default absent: Bool) -> Bool {
    guard let value = configuration(key) else { return absent }
    var flag: CInt = 0
    return unsafe git_config_parse_bool(&flag, value) == 0 ? flag != 0 : absent
  }
}
