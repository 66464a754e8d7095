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
    try write(entries, root)
    for position in 0..<entries.count {
      let (path, mode) = (Self.path(entries, position), unsafe entries[position].pointee.mode)
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

  private func write(_ entries: EntryList, _ root: borrowing OwnedDescriptor) throws {
    for position in 0..<entries.count { try makeParents(Self.path(entries, position), root) }
    let plan = try SmudgePlan(
      Repository(opening: repository, bare: true), commit: to, hasAttributes: hasAttributes)
    let descriptor = root.raw
    try SharedWork(repository: repository, count: entries.count, chunk: 8).run { own, next throws(GitError) in
      let writer = try FileWriter(own, root: descriptor, plan: plan)
      while let range = next() {
        for position in range { try writer.overwrite(entries, position) }
      }
    }
  }

  private static func path(_ entries: EntryList, _ position: Int) -> FilePath {
    unsafe FilePath(platformString: entries[position].pointee.path)
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
