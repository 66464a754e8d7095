import CGit2
import Glibc
import SystemPackage

/// An index (git's staging area) in memory, with or without a file of its own.
@safe
struct Index: ~Copyable {
  // SAFETY: valid from init to deinit. Entries are borrowed from it and only used while it lives.
  let pointer: OpaquePointer

  /// The index whose file is, or will be, at `path`.
  init(at path: FilePath) throws(GitError) {
    try GitRuntime.start()
    var handle: OpaquePointer?
    try check("open index \(path)", unsafe git_index_open(&handle, path.string))
    unsafe pointer = handle!
  }

  /// An index without a file, for building trees.
  init() throws(GitError) {
    try GitRuntime.start()
    var handle: OpaquePointer?
    try check("make an index", unsafe git_index_new(&handle))
    unsafe pointer = handle!
  }

  deinit { unsafe git_index_free(pointer) }

  var count: Int { unsafe git_index_entrycount(pointer) }

  func entry(_ position: Int) -> UnsafePointer<git_index_entry>? { unsafe git_index_get_byindex(pointer, position) }

  /// Fills it with a commit's files. Every path is checked by libgit2 (no `.git`, no `..`).
  func read(commit id: ObjectID, of repository: borrowing Repository) throws(GitError) {
    let tree = try TreeHandle(of: id, in: repository)
    try check("read the tree of \(id)", unsafe git_index_read_tree(pointer, tree.pointer))
  }

  func id(at path: FilePath) -> ObjectID? {
    let entry = unsafe path.withPlatformString { unsafe git_index_get_bypath(pointer, $0, 0) }
    return unsafe entry.map { ObjectID(unsafe $0.pointee.id) }
  }

  func add(_ path: FilePath, _ id: ObjectID, mode: UInt32) throws(GitError) {
    let raw = id.raw
    let status = unsafe path.withPlatformString { text in
      var entry = unsafe git_index_entry()
      unsafe entry.path = unsafe text
      unsafe entry.mode = mode
      unsafe entry.id = raw
      return unsafe git_index_add(pointer, &entry)
    }
    try check("add \(path)", status)
  }

  func remove(_ path: FilePath) throws(GitError) {
    let status = unsafe path.withPlatformString { unsafe git_index_remove(pointer, $0, 0) }
    if status == GIT_ENOTFOUND.rawValue { return }
    try check("remove \(path)", status)
  }

  func write() throws(GitError) { try check("write the index", unsafe git_index_write(pointer)) }

  func writeTree(to repository: borrowing Repository) throws(GitError) -> ObjectID {
    var raw = git_oid()
    try check("write a tree", unsafe git_index_write_tree_to(&raw, pointer, repository.pointer))
    return ObjectID(raw)
  }
}

extension Repository {
  /// The files that this worktree's index names.
  func trackedPaths() throws(GitError) -> Set<FilePath> {
    var handle: OpaquePointer?
    try check("open the index", unsafe git_repository_index(&handle, pointer))
    defer { unsafe git_index_free(handle) }
    var found: Set<FilePath> = []
    for position in unsafe 0..<git_index_entrycount(handle) {
      guard let entry = unsafe git_index_get_byindex(handle, position) else { continue }
      found.insert(unsafe FilePath(platformString: entry.pointee.path))
    }
    return found
  }

  /// Blobs that this worktree's index names and the commit does not: staged contents and the sides of conflicts.
  func stagedBlobs(notIn commit: ObjectID?) throws(GitError) -> [ObjectID] {
    let committed = try Index()
    if let commit { try committed.read(commit: commit, of: self) }
    var handle: OpaquePointer?
    try check("open the index", unsafe git_repository_index(&handle, pointer))
    defer { unsafe git_index_free(handle) }
    var found: Set<ObjectID> = []
    for position in unsafe 0..<git_index_entrycount(handle) {
      guard let entry = unsafe git_index_get_byindex(handle, position) else { continue }
      if unsafe entry.pointee.mode == GIT_FILEMODE_COMMIT.rawValue { continue }
      let known = unsafe git_index_get_bypath(committed.pointer, entry.pointee.path, 0)
      if let known = unsafe known, unsafe git_oid_equal([known.pointee.id], [entry.pointee.id]) == 1 { continue }
      let id = ObjectID(unsafe entry.pointee.id)
      if contains(id) { found.insert(id) }
    }
    return found.sorted { $0.hex < $1.hex }
  }
}

/// A tree object, for the time of one call.
@safe
struct TreeHandle: ~Copyable {
  // SAFETY: valid from init to deinit.
  let pointer: OpaquePointer

  init(of commit: ObjectID, in repository: borrowing Repository) throws(GitError) {
    var raw = commit.raw
    var object: OpaquePointer?
    try check("read commit \(commit)", unsafe git_object_lookup(&object, repository.pointer, &raw, GIT_OBJECT_ANY))
    defer { unsafe git_object_free(object) }
    var tree: OpaquePointer?
    try check("read the tree of \(commit)", unsafe git_object_peel(&tree, object, GIT_OBJECT_TREE))
    unsafe pointer = tree!
  }

  deinit { unsafe git_object_free(pointer) }
}
