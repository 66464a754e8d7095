import CGit2
import Glibc
import SystemPackage
import Tenant

/// Which paths differ between two commits.
///
/// Why not `git_diff_tree_to_tree`: it reads what is equal, too. Here a directory with the same id on both sides is not looked into, so
/// that what it takes depends on the difference and not on the size of the repository.
struct TreeDifference {
  struct Item {
    var path: FilePath
    var id: ObjectID
    var mode: UInt32
  }

  /// What the new side has nothing or a directory for.
  private(set) var gone: [FilePath] = []
  private(set) var present: [Item] = []

  var changesAttributes: Bool {
    (gone + present.map(\.path)).contains { $0.lastComponent?.string == ".gitattributes" }
  }

  init(from: ObjectID, to: ObjectID, in repository: FilePath) throws(GitError) {
    let repository = try Repository(opening: repository, bare: true)
    let old = try TreeHandle(of: from, in: repository)
    let new = try TreeHandle(of: to, in: repository)
    unsafe try compare(old.pointer, new.pointer, at: FilePath(), repository)
  }

  @safe
  private struct Entry {
    // SAFETY: the tree's, which outlives this.
    let pointer: OpaquePointer
    let mode: UInt32

    init?(_ pointer: OpaquePointer?) {
      guard let pointer = unsafe pointer else { return nil }
      unsafe self.pointer = unsafe pointer
      mode = unsafe git_tree_entry_filemode(pointer).rawValue
    }

    var isTree: Bool { mode == GIT_FILEMODE_TREE.rawValue }
    var tree: ObjectID? { isTree ? id : nil }
    var id: ObjectID { unsafe ObjectID(git_tree_entry_id(pointer)!.pointee) }
    var name: UnsafePointer<CChar> { unsafe git_tree_entry_name(pointer)! }
    func isEqual(_ other: Entry) -> Bool {
      unsafe mode == other.mode && git_oid_equal(git_tree_entry_id(pointer), git_tree_entry_id(other.pointer)) == 1
    }
    func path(in directory: FilePath) -> FilePath { directory.pushing(unsafe FilePath(platformString: name)) }
  }

  /// One side may be missing: then all of the other differs.
  private mutating func compare(
    _ old: OpaquePointer?, _ new: OpaquePointer?, at directory: FilePath, _ repository: borrowing Repository
  ) throws(GitError) {
    for position in unsafe 0..<Self.count(old) {
      guard let before = unsafe Entry(git_tree_entry_byindex(old, position)) else { continue }
      let after = unsafe Self.entry(new, before.name)
      if after?.isEqual(before) == true { continue }
      if before.isTree {
        try compare(before.id, after?.tree, at: before.path(in: directory), repository)
      } else if after == nil || after?.isTree == true {
        gone.append(before.path(in: directory))
      }
    }
    for position in unsafe 0..<Self.count(new) {
      guard let after = unsafe Entry(git_tree_entry_byindex(new, position)) else { continue }
      let before = unsafe Self.entry(old, after.name)
      if before?.isEqual(after) == true { continue }
      if !after.isTree {
        present.append(Item(path: after.path(in: directory), id: after.id, mode: after.mode))
      } else if before?.isTree != true {
        try compare(nil, after.id, at: after.path(in: directory), repository)
      }
    }
  }

  private mutating func compare(
    _ old: ObjectID?, _ new: ObjectID?, at directory: FilePath, _ repository: borrowing Repository
  ) throws(GitError) {
    let (before, after) = unsafe (try repository.directory(old), try repository.directory(new))
    defer {
      unsafe git_tree_free(before)
      unsafe git_tree_free(after)
    }
    unsafe try compare(before, after, at: directory, repository)
  }

  private static func count(_ tree: OpaquePointer?) -> Int { unsafe tree == nil ? 0 : git_tree_entrycount(tree) }
  private static func entry(_ tree: OpaquePointer?, _ name: UnsafePointer<CChar>) -> Entry? {
    unsafe tree == nil ? nil : Entry(git_tree_entry_byname(tree, name))
  }
}

extension Repository {
  /// A tree by its own name, which the caller frees.
  fileprivate func directory(_ id: ObjectID?) throws(GitError) -> OpaquePointer? {
    guard var raw = id?.raw else { return nil }
    var tree: OpaquePointer?
    try check("read a tree", unsafe git_tree_lookup(&tree, pointer, &raw))
    return unsafe tree
  }
}
