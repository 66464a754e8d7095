import CLinux
import Glibc
import SystemPackage
import Tenant

/// A tenant's own repository of a source that other tenants use as well: refs, stash, configuration and hooks apart,
/// objects borrowed.
///
/// Borrowing is safe only while the source keeps what was borrowed. So before anything here names a commit of the source, a
/// ref in the source holds it (`refs/looop/borrowed/KEY`): repacking keeps it, pruning does not take it, and whoever deletes a
/// branch there takes nothing from here. A source that the tenant cannot write to is copied instead.
struct PrivateRepository: Sendable {
  var layout: SandboxLayout
  var name: SandboxName
  /// The source's common directory.
  var source: FilePath

  /// Where the source's HEAD stood at the last refresh.
  static let sourceHead = "refs/looop/source-head"
  static let remote = "source"

  var path: FilePath { layout.privateRepository(name) }

  /// The ref in the source that holds what we borrow: one for each private repository.
  var anchor: String { "refs/looop/borrowed/\(name)-\(StableHash.of(path.string))" }

  /// Makes it if there is none and brings it up to date. `base` is what the next sandbox starts from, resolved in the source.
  func prepare(base: ObjectID?) throws -> FilePath {
    try Directory.create(layout.repositories, mode: 0o700)
    try layout.prepare()
    let lock = try FileLock(waitingFor: layout.repositories.appending("\(name).lock"))
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    let borrows = canWriteSource
    if !Files.exists(path) { try make(borrowing: borrows) }
    let repository = try Repository(opening: path, bare: true)
    let origin = try Repository(opening: source, bare: true)
    try refresh(repository, from: origin, base: base, borrowing: borrows)
    // A commit that is broken already, on whatever old ref, is no reason to refuse a new sandbox.
    try? BorrowedObjects.keep(in: path)
    return path
  }

  private var canWriteSource: Bool {
    unsafe access(source.appending("refs").string, W_OK) == 0 && access(source.appending("objects").string, W_OK) == 0
  }

  /// Built aside and renamed into place: a death leaves nothing that looks like a repository.
  private func make(borrowing: Bool) throws {
    let staging = try Staging(in: layout.staging, for: name.text)
    do {
      let place = staging.directory.appending("repository.git")
      let repository = try Repository(creatingBare: place)
      if borrowing {
        try Directory.create(place.appending("objects/info"))
        try Files.write("\(source)/objects\n", to: place.appending("objects/info/alternates"))
      }
      for shallow in ["shallow"] where Files.exists(source.appending(shallow)) {
        try Files.write(FileReading.of(source.appending(shallow)).text ?? "", to: place.appending(shallow))
      }
      let origin = try Repository(opening: source, bare: true)
      try origin.copyConfiguration(to: repository)
      try repository.setConfiguration("remote.\(Self.remote).url", source.string)
      try repository.setConfiguration("remote.\(Self.remote).fetch", "+refs/heads/*:refs/remotes/\(Self.remote)/*")
      try Files.move(place, to: path)
    } catch {
      staging.discard()
      throw error
    }
    staging.discard()
  }

  private func refresh(
    _ repository: borrowing Repository, from origin: borrowing Repository, base: ObjectID?, borrowing: Bool
  ) throws {
    var wanted: [String: ObjectID] = [:]
    // Annotated tags are objects of their own, which lead to a commit.
    var tags: [String: ObjectID] = [:]
    for reference in try origin.references(matching: "refs/heads/*") {
      wanted["refs/remotes/\(Self.remote)/" + reference.name.dropFirst("refs/heads/".count)] = reference.target
    }
    for reference in try origin.references(matching: "refs/tags/*") {
      guard let commit = try? origin.commit(reference.target.hex) else { continue }
      wanted[reference.name] = reference.target
      if commit != reference.target { tags[reference.name] = commit }
    }
    if let head = try? origin.head().commit { wanted[Self.sourceHead] = head }
    // A tip that is no commit, or gone, is the source's trouble and not worth failing for.
    let tips = Set(wanted.map { tags[$0.key] ?? $0.value }).union([base].compactMap { $0 }).filter {
      origin.isCommit($0)
    }
    if borrowing {
      try hold(tips, in: origin)
    } else {
      try PackTransfer.copy(Array(tips), from: origin, to: path, hiding: try repository.references().map(\.target))
    }
    let present = Dictionary(
      try repository.references().map { ($0.name, $0.target) }, uniquingKeysWith: { first, _ in first })
    // Nothing in the source holds the tag itself once it is deleted there.
    let newTags = tags.keys.filter { present[$0] != wanted[$0] }.compactMap { wanted[$0] }
    try PackTransfer.copy(objects: newTags, from: origin, to: path)
    for (ref, target) in wanted where present[ref] != target && tips.contains(tags[ref] ?? target) {
      try repository.moveReference(ref, from: nil, to: target, message: "looop: refresh from \(source)")
    }
    for (ref, target) in present where ref.hasPrefix("refs/remotes/\(Self.remote)/") && wanted[ref] == nil {
      try repository.deleteReference(ref, at: target)
    }
  }

  /// One ref holds all: a commit whose parents are what was borrowed now and the commit that held what was borrowed before.
  private func hold(_ tips: Set<ObjectID>, in origin: borrowing Repository) throws {
    for _ in 0..<100 {
      let old = try origin.target(of: anchor)
      let held = try old.map { try origin.commits(from: Array(tips), notIn: [$0], limit: 100_000) }
      let new = held.map { lacking in tips.filter { Set(lacking).contains($0) } } ?? tips
      if new.isEmpty { return }
      let parents = [old].compactMap { $0 } + new.sorted { $0.hex < $1.hex }
      do {
        return try moveAnchor(from: old, to: parents)
      } catch let error as GitError where error.code == .modified || error.code == .exists {
        continue
      }
    }
    throw SandboxError(.busy, "\(anchor) of \(source) changes all the time")
  }

  private func moveAnchor(from old: ObjectID?, to parents: [ObjectID]) throws {
    let origin = try Repository(opening: source, bare: true)
    let intake = try ObjectIntake(origin, RepositoryCorner(common: source))
    let commit: ObjectID
    do {
      commit = try origin.writeCommit(
        tree: try origin.writeTree([]), parents: parents, message: "looop: borrowed by \(path)\n", at: Files.now)
    } catch {
      intake.abandon()
      throw error
    }
    try intake.finish(try origin.objects(of: commit, besides: nil), from: origin) {
      if let old {
        try origin.moveReference(anchor, from: old, to: commit, message: "looop: borrow")
      } else {
        try origin.createReference(anchor, at: commit, message: "looop: borrow")
      }
    }
  }

  /// Gives back what was borrowed once nothing here needs it: no worktree, no branch, nothing parked.
  func retireIfUnused() throws -> Bool {
    guard Files.exists(path) else { return false }
    let lock = try FileLock(waitingFor: layout.repositories.appending("\(name).lock"))
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    let repository = try Repository(opening: path, bare: true)
    let own = try repository.references().filter {
      !$0.name.hasPrefix("refs/remotes/\(Self.remote)/") && !$0.name.hasPrefix("refs/tags/")
        && $0.name != Self.sourceHead
    }
    let origin = try Repository(opening: source, bare: true)
    let unsaved = try own.filter { reference in
      guard origin.isCommit(reference.target) else { return true }
      return try !origin.isReachable(
        reference.target, from: origin.references().filter { $0.name != anchor }.map(\.target))
    }
    guard unsaved.isEmpty, Worktree.all(common: path).isEmpty else { return false }
    let aside = layout.trash.appending(Files.uniqueName("repository"))
    try Files.move(path, to: aside)
    try origin.deleteReference(anchor, at: nil)
    try TreeRemoval.remove(aside)
    return true
  }
}

/// A short name for a longer text that is the same in every process (FNV-1a, 64 bits).
enum StableHash {
  static func of(_ text: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 36)
  }
}
