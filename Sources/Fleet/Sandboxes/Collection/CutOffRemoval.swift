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

  struct Outcome: Hashable, Sendable {
    /// Workers whose trees are in their places again.
    var restored: [String] = []
    /// In words: trees that stay aside, because something else stands in their place.
    var obstructed: [String] = []
  }

  /// Puts back the trees of `worker`, or of everybody. Under the repository's lock no living removal is between the two.
  @discardableResult
  func putBack(_ worker: SandboxName? = nil) throws -> Outcome {
    let places = Files.names(layout.trash).map { layout.trash.appending($0) }
    func left(_ place: FilePath) -> WorktreeNote? {
      let note = Self.registration(of: place, in: layout, common)?.note
      return worker == nil || note?.worker == worker?.text ? note : nil
    }
    var outcome = Outcome()
    guard places.contains(where: { left($0) != nil }) else { return outcome }
    let lock = try RepositoryCorner(common: common).lock()
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    for place in places {
      guard let note = left(place) else { continue }
      let aside = place.appending("tree")
      if Files.exists(note.tree) {
        outcome.obstructed.append(
          "\(note.worker): giving it back was cut off, and \(note.tree) was made anew; what it held is in \(aside), and goes back to its "
            + "place once that is removed")
        continue
      }
      try Files.move(aside, to: note.tree)
      try? Directory.removeTree(place)
      outcome.restored.append(note.worker)
    }
    return outcome
  }

  /// Whether what stands in the trash, or in a pool, may be taken away: a removal of whatever repository that is still under way with it, or
  /// was cut off, may have left there what is nowhere else.
  static func isOver(_ place: FilePath, in layout: SandboxLayout, grace: Int64 = 10) -> Bool {
    // A removal may be about to move its tree there.
    guard Files.exists(place.appending("tree")) || Files.isOlder(place, than: grace) else { return false }
    guard let common = note(in: place)?["common_dir"]?.string else { return true }
    return registration(of: place, in: layout, FilePath(common)) == nil
  }

  private static func note(in place: FilePath) -> JSON? {
    FileReading.of(place.appending("note.json"), maximumBytes: 65536).text.flatMap { try? JSON(parsing: $0) }
  }

  /// The registration of the tree that stands there, if there still is one.
  private static func registration(of place: FilePath, in layout: SandboxLayout, _ common: FilePath) -> Worktree? {
    guard let json = note(in: place), json["common_dir"]?.string == common.string,
      let name = (json["registration"]?["name"]?.string).flatMap({ try? SandboxName($0) })
    else { return nil }
    let worktree = Worktree(common: common, named: name.text)
    guard worktree.note?.tree.removingLastComponent() == layout.trees,
      json["registration"] == identity(worktree), Files.isDirectory(place.appending("tree"))
    else { return nil }
    return worktree
  }
}
