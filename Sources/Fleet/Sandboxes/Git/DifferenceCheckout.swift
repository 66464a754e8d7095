import CGit2
import CLinux
import Glibc
import SystemPackage
import Tenant

/// Brings a clean working tree from one commit to another by writing only what differs, and its index along with it. What
/// it takes depends on the difference, not on the size of the repository.
struct DifferenceCheckout: Sendable {
  var repository: FilePath
  var from: ObjectID
  var to: ObjectID
  var directory: FilePath

  /// Whether `from` has a `.gitattributes` anywhere.
  var hasAttributes: Bool

  /// The number of changed paths; `nil` when the difference changes attributes, so that files may differ whose blobs do not.
  /// The index at `old` becomes one at `new`.
  func run(index old: FilePath, to new: FilePath) throws -> Int? {
    if from == to {
      try Files.move(old, to: new)
      return 0
    }
    let repository = try Repository(opening: self.repository, bare: true)
    let difference = try TreeDifference(from: from, to: to, in: repository)
    guard !difference.changesAttributes else { return nil }
    let root = try OwnedDescriptor(opening: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    var patch = IndexPatch()
    for path in difference.gone {
      try remove(path, root)
      patch.remove(path)
    }
    // libgit2 checks the paths that it takes in: no `.git`, no `..`.
    let additions = try Index()
    for item in difference.present { try additions.add(item.path, item.id, mode: item.mode) }
    let entries = EntryList(additions)
    let plan = SmudgePlan(repository, commit: to, hasAttributes: hasAttributes)
    let writer = try FileWriter(repository, root: root.raw, plan: plan)
    for position in 0..<entries.count {
      let (path, mode) = (
        unsafe FilePath(platformString: entries[position].pointee.path), unsafe entries[position].pointee.mode
      )
      try makeParents(path, root)
      try writer.remove(entries, position)
      if mode == GIT_FILEMODE_COMMIT.rawValue { try makeDirectory(path, root) }
      try writer.write(entries, position)
      var status = stat()
      if mode != GIT_FILEMODE_COMMIT.rawValue {
        let known = unsafe path.withPlatformString { unsafe fstatat(root.raw, $0, &status, AT_SYMLINK_NOFOLLOW) }
        guard known == 0 else { throw HostError.last("look at", path) }
      }
      patch.put(path, IndexPatch.Entry(status: status, mode: mode, id: unsafe ObjectID(entries[position].pointee.id)))
    }
    guard try patch.apply(old, to: new) else { return nil }
    return difference.gone.count + difference.present.count
  }

  /// Removes a path and the directories that are empty without it.
  private func remove(_ path: FilePath, _ root: borrowing OwnedDescriptor) throws(HostError) {
    let removed = unsafe path.withPlatformString { text in
      unsafe unlinkat(root.raw, text, 0) == 0 || unlinkat(root.raw, text, AT_REMOVEDIR) == 0 || errno == ENOENT
    }
    guard removed else { throw .last("remove", path) }
    var parent = path.removingLastComponent()
    while !parent.isEmpty, unsafe parent.withPlatformString({ unsafe unlinkat(root.raw, $0, AT_REMOVEDIR) }) == 0 {
      parent = parent.removingLastComponent()
    }
  }

  private func makeParents(_ path: FilePath, _ root: borrowing OwnedDescriptor) throws(HostError) {
    var parent = FilePath()
    for component in path.removingLastComponent().components {
      parent.append(component)
      try makeDirectory(parent, root)
    }
  }

  /// The tree is clean, so what stands here is a directory of the commit or was removed before.
  private func makeDirectory(_ path: FilePath, _ root: borrowing OwnedDescriptor) throws(HostError) {
    if unsafe path.withPlatformString({ unsafe mkdirat(root.raw, $0, 0o777) }) != 0, errno != EEXIST {
      throw .last("create directory", path)
    }
  }
}

/// Which paths differ between two commits.
struct TreeDifference {
  struct Item {
    var path: FilePath
    var id: ObjectID
    var mode: UInt32
  }

  var gone: [FilePath] = []
  var present: [Item] = []

  var changesAttributes: Bool {
    (gone + present.map(\.path)).contains { $0.lastComponent?.string == ".gitattributes" }
  }

  init(from: ObjectID, to: ObjectID, in repository: borrowing Repository) throws(GitError) {
    let old = try TreeHandle(of: from, in: repository)
    let new = try TreeHandle(of: to, in: repository)
    var diff: OpaquePointer?
    try check(
      "compare \(from) and \(to)",
      unsafe git_diff_tree_to_tree(&diff, repository.pointer, old.pointer, new.pointer, nil))
    defer { unsafe git_diff_free(diff) }
    for position in unsafe 0..<git_diff_num_deltas(diff) {
      guard let delta = unsafe git_diff_get_delta(diff, position) else { continue }
      let target = unsafe delta.pointee.new_file
      if unsafe delta.pointee.status == GIT_DELTA_DELETED {
        gone.append(unsafe FilePath(platformString: delta.pointee.old_file.path))
      } else {
        present.append(
          Item(
            path: unsafe FilePath(platformString: target.path), id: unsafe ObjectID(target.id),
            mode: unsafe UInt32(target.mode)))
      }
    }
  }
}
