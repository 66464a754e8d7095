import CGit2
import SystemPackage

/// What new objects need that must not be seen, and not be taken away, before a ref leads to them.
extension Repository {
  /// From now on this handle writes its new objects below `directory`; it reads those and all others.
  func divertWrites(to directory: FilePath) throws(GitError) {
    var odb: OpaquePointer?
    try check("open the objects", unsafe git_repository_odb(&odb, pointer))
    defer { unsafe git_odb_free(odb) }
    var backend: OpaquePointer?
    try check("write objects to \(directory)", unsafe git_odb_backend_loose(&backend, directory.string, -1, 0, 0, 0))
    // Before the repository's own, which have 1 and 2. It belongs to the repository from here on.
    try check("write objects to \(directory)", unsafe git_odb_add_backend(odb, backend, 1000))
  }

  /// How many bytes an object is, unpacked.
  func size(of id: ObjectID) throws(GitError) -> Int {
    var odb: OpaquePointer?
    try check("open the objects", unsafe git_repository_odb(&odb, pointer))
    defer { unsafe git_odb_free(odb) }
    var (size, type, raw) = (0, GIT_OBJECT_INVALID, id.raw)
    try check("read \(id)", unsafe git_odb_read_header(&size, &type, odb, &raw))
    return size
  }

  /// A commit with what its tree leads to and that of `base` does not. What a submodule names is in another repository.
  func objects(of commit: ObjectID, besides base: ObjectID?) throws(GitError) -> [ObjectID] {
    let tree = try TreeHandle(of: commit, in: self)
    var found = [commit]
    if let base {
      let other = try TreeHandle(of: base, in: self)
      unsafe try collect(tree.pointer, besides: other.pointer, &found)
    } else {
      unsafe try collect(tree.pointer, besides: nil, &found)
    }
    return found
  }

  private func collect(_ tree: OpaquePointer, besides other: OpaquePointer?, _ found: inout [ObjectID]) throws(GitError)
  {
    guard let id = unsafe ObjectID(git_tree_id(tree)) else { return }
    if let other = unsafe other, unsafe git_oid_equal(git_tree_id(tree), git_tree_id(other)) == 1 { return }
    found.append(id)
    for position in unsafe 0..<git_tree_entrycount(tree) {
      guard let entry = unsafe git_tree_entry_byindex(tree, position),
        let id = unsafe ObjectID(git_tree_entry_id(entry))
      else { continue }
      let known = unsafe other.flatMap { unsafe git_tree_entry_byname($0, git_tree_entry_name(entry)) }
      if let known = unsafe known, unsafe git_oid_equal(git_tree_entry_id(known), git_tree_entry_id(entry)) == 1 {
        continue
      }
      switch unsafe git_tree_entry_type(entry) {
      case GIT_OBJECT_BLOB: found.append(id)
      case GIT_OBJECT_TREE:
        let below = try TreeHandle(of: id, in: self)
        if let known = unsafe known, unsafe git_tree_entry_type(known) == GIT_OBJECT_TREE,
          let knownID = unsafe ObjectID(git_tree_entry_id(known))
        {
          let counterpart = try TreeHandle(of: knownID, in: self)
          unsafe try collect(below.pointer, besides: counterpart.pointer, &found)
        } else {
          unsafe try collect(below.pointer, besides: nil, &found)
        }
      default: continue
      }
    }
  }
}
