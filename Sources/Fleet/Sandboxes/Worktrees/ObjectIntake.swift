import CLinux
import Glibc
import SystemPackage
import Tenant

/// New objects of a repository that come in together with the ref that leads to them.
///
/// Somebody may clean up there at any moment (`git gc --prune=now`, `git repack -ad`), and takes what no ref leads to, also what was written
/// just before. So objects are written aside, and come as a pack with git's mark that it is to be kept; once the ref is there, the mark goes.
struct ObjectIntake: ~Copyable {
  /// `nil` where nothing can be written aside: another's repository that is open to us in part, objects on another disk. Then objects are
  /// written in place, and only a moment of bad luck takes them.
  private let staging: Staging?
  private let common: FilePath
  private let directory: FilePath?

  /// What `repository` writes from now on goes aside.
  init(_ repository: borrowing Repository, _ corner: RepositoryCorner) throws {
    common = corner.common
    guard let made = Self.place(corner) else {
      staging = nil
      directory = nil
      return
    }
    directory = made.directory
    do {
      try Directory.create(made.directory.appending("objects"))
      try repository.divertWrites(to: made.directory.appending("objects"))
    } catch {
      made.discard()
      throw error
    }
    staging = consume made
  }

  private static func place(_ corner: RepositoryCorner) -> Staging? {
    // Renames and links are all that brings something in.
    let objects = Files.status(corner.common.appending("objects").appending("."))?.st_dev
    guard (try? corner.prepare()) != nil, let own = Files.status(corner.staging)?.st_dev, own == objects else {
      return nil
    }
    return try? Staging(in: corner.staging, for: "objects")
  }

  /// Brings `objects` in, and has `publish` make the ref that leads to them.
  consuming func finish<Answer>(
    _ objects: [ObjectID], from repository: borrowing Repository, _ publish: () throws -> Answer
  ) throws -> Answer {
    do {
      let answer = try bring(objects, from: repository, publish)
      abandon()
      return answer
    } catch {
      abandon()
      throw error
    }
  }

  consuming func abandon() {
    if let staging { staging.discard() }
  }

  private borrowing func bring<Answer>(
    _ objects: [ObjectID], from repository: borrowing Repository, _ publish: () throws -> Answer
  ) throws -> Answer {
    guard let directory else { return try publish() }
    // A pack is written with each object whole in memory.
    var (large, small): ([ObjectID], [ObjectID]) = ([], [])
    for id in Set(objects) {
      if try repository.size(of: id) > Self.mostInMemory { large.append(id) } else { small.append(id) }
    }
    let aside = directory.appending("objects")
    try place(large, from: aside)
    let mark = try PackTransfer.bring(small, from: repository, to: common, aside: directory.appending("pack"))
    defer { if let mark { AtomicFile.remove(mark) } }
    let answer = try publish()
    // Of the large ones nothing kept others away until now.
    try place(large, from: aside)
    return answer
  }

  private static let mostInMemory = 32 << 20

  /// Makes loose objects the repository's own; those that it has already stay.
  private borrowing func place(_ objects: [ObjectID], from aside: FilePath) throws {
    for id in objects {
      let path = FilePath(String(id.hex.prefix(2))).appending(String(id.hex.dropFirst(2)))
      let (from, to) = (aside.pushing(path), common.appending("objects").pushing(path))
      guard Files.exists(from), !Files.exists(to) else { continue }
      try Directory.create(to.removingLastComponent())
      let file = try OwnedDescriptor(opening: from, O_RDONLY | O_NOFOLLOW, operation: "read")
      guard fsync(file.raw) == 0 else { throw HostError.last("write", from) }
      let linked = unsafe from.withPlatformString { source in
        unsafe to.withPlatformString { unsafe link(source, $0) }
      }
      guard linked == 0 || errno == EEXIST else { throw HostError.last("write", to) }
      try AtomicFile.synchronizeDirectory(to.removingLastComponent())
    }
  }
}
