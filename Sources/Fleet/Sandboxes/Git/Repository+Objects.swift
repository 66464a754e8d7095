import CGit2
import SystemPackage
import Tenant

/// One name in a tree that we build.
struct TreeItem: Hashable, Sendable {
  var name: String
  var id: ObjectID
  var isTree: Bool

  init(_ name: String, _ id: ObjectID, isTree: Bool = false) {
    self.name = name
    self.id = id
    self.isTree = isTree
  }
}

extension Repository {
  func writeBlob(_ bytes: [UInt8]) throws(GitError) -> ObjectID {
    var raw = git_oid()
    try check("write a blob", unsafe git_blob_create_from_buffer(&raw, pointer, bytes, bytes.count))
    return ObjectID(raw)
  }

  /// Streams a file into a blob as it stands on the disk: no line-end conversion, so that it comes back to the byte.
  func writeBlob(streaming size: Int, _ read: () throws -> [UInt8]) throws -> ObjectID {
    var odb: OpaquePointer?
    try check("open the objects", unsafe git_repository_odb(&odb, pointer))
    defer { unsafe git_odb_free(odb) }
    var stream: UnsafeMutablePointer<git_odb_stream>?
    try check("write a blob", unsafe git_odb_open_wstream(&stream, odb, git_object_size_t(size), GIT_OBJECT_BLOB))
    defer { unsafe git_odb_stream_free(stream) }
    while true {
      let chunk = try read()
      if chunk.isEmpty { break }
      try check(
        "write a blob",
        unsafe chunk.withUnsafeBytes { buffer in
          unsafe git_odb_stream_write(stream, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        })
    }
    var raw = git_oid()
    // Fails when the file changed its size meanwhile; then nothing was written.
    try check("write a blob", unsafe git_odb_stream_finalize_write(&raw, stream))
    return ObjectID(raw)
  }

  func readBlob(_ id: ObjectID) throws(GitError) -> [UInt8] {
    var blob: OpaquePointer?
    var raw = id.raw
    try check("read blob \(id)", unsafe git_blob_lookup(&blob, pointer, &raw))
    defer { unsafe git_blob_free(blob) }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: Int(git_blob_rawsize(blob))))
  }

  func writeTree(_ items: [TreeItem]) throws(GitError) -> ObjectID {
    var builder: OpaquePointer?
    try check("build a tree", unsafe git_treebuilder_new(&builder, pointer, nil))
    defer { unsafe git_treebuilder_free(builder) }
    for item in items {
      var raw = item.id.raw
      try check(
        "add \(item.name)",
        unsafe git_treebuilder_insert(
          nil, builder, item.name, &raw, item.isTree ? GIT_FILEMODE_TREE : GIT_FILEMODE_BLOB))
    }
    var raw = git_oid()
    try check("write a tree", unsafe git_treebuilder_write(&raw, builder))
    return ObjectID(raw)
  }

  /// The names directly in a tree (given by a tree, or by a commit for its root), optionally below `path`.
  func tree(_ id: ObjectID, at path: String = "") throws(GitError) -> [TreeItem] {
    let root = try TreeHandle(of: id, in: self)
    if path.isEmpty { return unsafe Self.items(root.pointer) }
    var entry: OpaquePointer?
    let status = unsafe git_tree_entry_bypath(&entry, root.pointer, path)
    if status == GIT_ENOTFOUND.rawValue { return [] }
    try check("read \(path)", status)
    defer { unsafe git_tree_entry_free(entry) }
    var object: OpaquePointer?
    try check("read \(path)", unsafe git_tree_entry_to_object(&object, pointer, entry))
    defer { unsafe git_object_free(object) }
    guard unsafe git_object_type(object) == GIT_OBJECT_TREE else { return [] }
    return unsafe Self.items(object!)
  }

  private static func items(_ tree: OpaquePointer) -> [TreeItem] {
    unsafe (0..<git_tree_entrycount(tree)).compactMap { position in
      guard let entry = unsafe git_tree_entry_byindex(tree, position),
        let id = unsafe ObjectID(git_tree_entry_id(entry))
      else {
        return nil
      }
      return TreeItem(
        unsafe String(cString: git_tree_entry_name(entry)), id,
        isTree: unsafe git_tree_entry_type(entry) == GIT_OBJECT_TREE)
    }
  }

  /// Commits a tree in the name of `looop-fleet`, on no branch.
  func writeCommit(tree: ObjectID, parents: [ObjectID], message: String, at time: Int64) throws(GitError) -> ObjectID {
    var author: UnsafeMutablePointer<git_signature>?
    try check("sign", unsafe git_signature_new(&author, "looop-fleet", "looop-fleet@localhost", time, 0))
    defer { unsafe git_signature_free(author) }
    let handle = try TreeHandle(of: tree, in: self)
    var raw = git_oid()
    var commits: [OpaquePointer?] = unsafe []
    defer { unsafe commits.forEach { commit in unsafe git_commit_free(commit) } }
    for parent in parents {
      var commit: OpaquePointer?
      var id = parent.raw
      try check("read commit \(parent)", unsafe git_commit_lookup(&commit, pointer, &id))
      unsafe commits.append(commit)
    }
    let status = unsafe git_commit_create(
      &raw, pointer, nil, author, author, "UTF-8", message, handle.pointer, commits.count, &commits)
    try check("commit", status)
    return ObjectID(raw)
  }

  func parents(of commit: ObjectID) throws(GitError) -> [ObjectID] {
    var handle: OpaquePointer?
    var raw = commit.raw
    try check("read commit \(commit)", unsafe git_commit_lookup(&handle, pointer, &raw))
    defer { unsafe git_commit_free(handle) }
    return unsafe (0..<git_commit_parentcount(handle)).compactMap { unsafe ObjectID(git_commit_parent_id(handle, $0)) }
  }

  /// By its own word: seconds since 1970.
  func committedAt(_ commit: ObjectID) throws(GitError) -> Int64 {
    var handle: OpaquePointer?
    var raw = commit.raw
    try check("read commit \(commit)", unsafe git_commit_lookup(&handle, pointer, &raw))
    defer { unsafe git_commit_free(handle) }
    return unsafe git_commit_time(handle)
  }
}

extension Repository {
  /// The blobs of all `.gitattributes` of a commit.
  func attributeFiles(in commit: ObjectID) throws(GitError) -> [ObjectID] {
    let index = try Index()
    try index.read(commit: commit, of: self)
    return SmudgePlan.attributes(EntryList(index))
  }
}
