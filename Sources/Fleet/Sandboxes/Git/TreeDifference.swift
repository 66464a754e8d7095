import CGit2
import Glibc
import SystemPackage
import Tenant

/// Which paths differ between two commits. Reading the trees is most of what taking a pooled tree costs, so the directories at the top
/// are shared out.
struct TreeDifference: Sendable {
  struct Item: Sendable {
    var path: FilePath
    var id: ObjectID
    var mode: UInt32
  }

  private(set) var gone: [FilePath] = []
  private(set) var present: [Item] = []

  var changesAttributes: Bool {
    (gone + present.map(\.path)).contains { $0.lastComponent?.string == ".gitattributes" }
  }

  init(from: ObjectID, to: ObjectID, in repository: FilePath) throws(GitError) {
    let changed = try Self.changedAtTop(from, to, Repository(opening: repository, bare: true))
    for (name, (old, new)) in changed {
      if let new, !new.isTree {
        present.append(Item(path: name, id: new.id, mode: new.mode))
      } else if let old, !old.isTree {
        gone.append(name)
      }
    }
    let directories = changed.filter { $0.value.old?.isTree == true || $0.value.new?.isTree == true }.map { ($0, $1) }
    let found = Locked(self)
    try SharedWork(repository: repository, count: directories.count, chunk: 4).run { own, next throws(GitError) in
      while let range = next() {
        for (name, sides) in directories[range] {
          let (gone, present) = try Self.below(name, sides.old?.tree, sides.new?.tree, own)
          found.withLock {
            $0.gone += gone
            $0.present += present
          }
        }
      }
    }
    self = found.withLock { $0 }
  }

  /// One name in a commit's root.
  private struct Entry: Hashable, Sendable {
    var id: ObjectID
    var mode: UInt32
    var isTree: Bool { mode == GIT_FILEMODE_TREE.rawValue }
    var tree: ObjectID? { isTree ? id : nil }
  }

  private typealias Sides = (old: Entry?, new: Entry?)

  private static func changedAtTop(
    _ from: ObjectID, _ to: ObjectID, _ repository: borrowing Repository
  ) throws(GitError) -> [FilePath: Sides] {
    let (old, new) = (try entries(of: from, repository), try entries(of: to, repository))
    var changed: [FilePath: Sides] = [:]
    for name in Set(old.keys).union(new.keys) where old[name] != new[name] { changed[name] = (old[name], new[name]) }
    return changed
  }

  private static func entries(
    of commit: ObjectID, _ repository: borrowing Repository
  ) throws(GitError) -> [FilePath: Entry] {
    let tree = try TreeHandle(of: commit, in: repository)
    var found: [FilePath: Entry] = [:]
    for position in unsafe 0..<git_tree_entrycount(tree.pointer) {
      guard let entry = unsafe git_tree_entry_byindex(tree.pointer, position),
        let id = unsafe ObjectID(git_tree_entry_id(entry))
      else { continue }
      let name = unsafe FilePath(platformString: git_tree_entry_name(entry))
      found[name] = Entry(id: id, mode: unsafe git_tree_entry_filemode(entry).rawValue)
    }
    return found
  }

  /// What differs below a directory, one of whose sides may be missing.
  private static func below(
    _ directory: FilePath, _ from: ObjectID?, _ to: ObjectID?, _ repository: borrowing Repository
  ) throws(GitError) -> (gone: [FilePath], present: [Item]) {
    let (old, new) = unsafe (try repository.directory(from), try repository.directory(to))
    defer { unsafe [old, new].forEach { tree in unsafe git_tree_free(tree) } }
    var diff: OpaquePointer?
    try check("compare \(directory)", unsafe git_diff_tree_to_tree(&diff, repository.pointer, old, new, nil))
    defer { unsafe git_diff_free(diff) }
    var gone: [FilePath] = []
    var present: [Item] = []
    for position in unsafe 0..<git_diff_num_deltas(diff) {
      guard let delta = unsafe git_diff_get_delta(diff, position) else { continue }
      let file = unsafe delta.pointee.new_file
      if unsafe delta.pointee.status == GIT_DELTA_DELETED {
        gone.append(directory.pushing(unsafe FilePath(platformString: delta.pointee.old_file.path)))
      } else {
        present.append(
          Item(
            path: directory.pushing(unsafe FilePath(platformString: file.path)), id: unsafe ObjectID(file.id),
            mode: unsafe UInt32(file.mode)))
      }
    }
    return (gone, present)
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
