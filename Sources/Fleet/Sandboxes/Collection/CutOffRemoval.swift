import CLinux
import Glibc
import SystemPackage
import Tenant

/// A removal that died while its tree was aside, before the second look at it was over and its registration gone. What changed at the last
/// moment is in that tree alone; so it goes back to its place, for a removal that looks anew.
struct CutOffRemoval: Sendable {
  var layout: SandboxLayout
  var common: FilePath

  /// What a removal writes beside the tree, so that it is known for the one of this registration and of no earlier one.
  static func identity(_ worktree: Worktree) -> JSON {
    [
      "name": .string(worktree.name), "inode": .optional(Files.status(worktree.directory).map { Int64($0.st_ino) }),
      "created_at": .optional(worktree.note?.createdAt),
    ]
  }

  /// Puts back the trees of `worker`, or of everybody; says whose. Under the repository's lock no living removal is between the two.
  @discardableResult
  func putBack(_ worker: SandboxName? = nil) throws -> [String] {
    let places = Files.names(layout.trash).map { layout.trash.appending($0) }
    func left(_ place: FilePath) -> Worktree? { self.left(in: place, by: worker) }
    guard places.contains(where: { left($0) != nil }) else { return [] }
    let lock = try RepositoryCorner(common: common).lock()
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    var restored: [String] = []
    for place in places {
      guard let note = left(place)?.note else { continue }
      try Files.move(place.appending("tree"), to: note.tree)
      try? Directory.removeTree(place)
      restored.append(note.worker)
    }
    return restored
  }

  /// Whether a removal of whatever repository is still under way with the tree that stands there, or was cut off: it may hold what is nowhere
  /// else.
  static func isUnfinished(_ place: FilePath, in layout: SandboxLayout) -> Bool {
    guard let common = note(in: place)?["common_dir"]?.string else { return false }
    return CutOffRemoval(layout: layout, common: FilePath(common)).left(in: place, by: nil) != nil
  }

  private static func note(in place: FilePath) -> JSON? {
    FileReading.of(place.appending("note.json"), maximumBytes: 65536).text.flatMap { try? JSON(parsing: $0) }
  }

  /// The registration of the tree that stands there, if it lacks it.
  private func left(in place: FilePath, by worker: SandboxName?) -> Worktree? {
    guard let json = Self.note(in: place), json["common_dir"]?.string == common.string,
      let name = (json["registration"]?["name"]?.string).flatMap({ try? SandboxName($0) })
    else { return nil }
    let worktree = Worktree(common: common, named: name.text)
    guard let note = worktree.note, worker == nil || note.worker == worker?.text,
      note.tree.removingLastComponent() == layout.trees, !Files.exists(note.tree),
      json["registration"] == Self.identity(worktree), Files.isDirectory(place.appending("tree"))
    else { return nil }
    return worktree
  }
}
