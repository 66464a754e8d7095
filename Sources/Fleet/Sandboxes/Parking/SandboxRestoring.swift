import CLinux
import Glibc
import SystemPackage
import Tenant

/// Brings parked work back as a sandbox, to the byte: HEAD, index, files with their permissions, an operation in progress.
/// The parked ref stays until somebody deletes it, so a restoration can be repeated.
struct SandboxRestoring: Sendable {
  var creation: SandboxCreation
  /// The parked ref, in full.
  var ref: String

  /// Why a restored worktree is kept, in the words of git's own lock.
  static let lockReason = "restored from parked work"

  func run() throws -> SandboxCreation.Made {
    let repository = try Repository(opening: creation.common, bare: true)
    guard let commit = try repository.target(of: ref) else {
      throw SandboxError(.notFound, "\(creation.common) has no \(ref)", hint: "see: git for-each-ref refs/looop/parked")
    }
    var creation = creation
    creation.source = creation.common
    creation.pools = false
    guard let (details, work) = try ParkedWork.read(commit, in: repository) else {
      // A ref that holds commits only: they are the work.
      creation.base = try LonelyCommits.tip(of: commit, in: repository).hex
      return try creation.run()
    }
    // Without a commit to check out, the files are all of the work's own.
    let files = work.head ?? commit
    creation.files = files
    creation.base = (work.head ?? (repository.isCommit(work.base) ? work.base : commit)).hex
    creation.target = try target(work, repository)
    let common = creation.common
    creation.fill = { tree, admin, needs in
      try needs.admit(source: common, common: common)
      let repository = try Repository(opening: common, bare: true)
      try Self.fill(tree, admin, work, details, repository)
    }
    let made = try creation.run()
    do {
      // What a filter makes and nobody had touched was not parked: it comes from where it came from at first.
      try made.needs.filter(
        made.worktree, made.path, files, sparing: Set(work.files.map(\.path) + work.deleted),
        SandboxHook.defaultDeadline
      )
    } catch {
      var removal = SandboxRemoval(
        layout: creation.layout, worker: creation.worker, repositoryName: creation.repositoryName, common: common)
      removal.abandons = true
      _ = try? removal.run()
      throw error
    }
    return made
  }

  /// The branch it was on if that still stands where it stood and nobody has it checked out; else a new one.
  private func target(
    _ work: ParkedWork, _ repository: borrowing Repository
  ) throws -> SandboxCreation.Target {
    guard let branch = work.branch else { return .detached }
    guard let head = work.head else { return .unborn(try unused(branch, repository)) }
    guard let tip = try repository.target(of: branch) else { return .fresh(branch) }
    return tip != head || isCheckedOut(branch) ? .newBranch : .branch(branch)
  }

  /// The first of `BRANCH`, `BRANCH-2`, … that neither has a commit nor is about to get one.
  private func unused(_ branch: String, _ repository: borrowing Repository) throws -> String {
    var (candidate, number) = (branch, 1)
    while try repository.target(of: candidate) != nil || isCheckedOut(candidate) {
      number += 1
      candidate = "\(branch)-\(number)"
    }
    return candidate
  }

  private func isCheckedOut(_ branch: String) -> Bool {
    let heads =
      [creation.common.appending("HEAD")] + Worktree.all(common: creation.common).map { $0.directory.appending("HEAD") }
    return heads.contains { Files.line($0) == "ref: \(branch)" }
  }

  private static func fill(
    _ tree: FilePath, _ admin: FilePath, _ work: ParkedWork, _ details: ObjectID, _ repository: borrowing Repository
  ) throws {
    for path in work.deleted { try TreeRemoval.remove(tree.pushing(path)) }
    for file in work.files {
      let place = tree.pushing(file.path)
      try makeParents(of: file.path, in: tree)
      try TreeRemoval.remove(place)
      let bytes = try repository.readBlob(file.blob)
      if file.isLink {
        try Files.link(bytes, at: place)
      } else {
        try Files.create(bytes, at: place, mode: mode_t(truncatingIfNeeded: file.permissions & 0o777))
      }
    }
    for item in try repository.tree(details) where item.name == "index" {
      try TreeRemoval.remove(admin.appending("index"))
      try Files.create(try repository.readBlob(item.id), at: admin.appending("index"), mode: 0o644)
    }
    try fillAdmin(admin, FilePath(), "admin", details, repository)
  }

  /// HEAD and its reflog are written by the creation, which may have chosen another branch.
  private static func fillAdmin(
    _ admin: FilePath, _ below: FilePath, _ path: String, _ details: ObjectID, _ repository: borrowing Repository
  ) throws {
    for item in try repository.tree(details, at: path) {
      guard let name = PathText.decode(item.name), name.components.count == 1 else { continue }
      // A ref is open to everybody: what parking leaves out does not come back from one that somebody else made.
      guard !below.isEmpty || AdminFiles.has(item.name) else { continue }
      let relative = below.pushing(name)
      if item.isTree {
        try Directory.create(admin.pushing(relative))
        try fillAdmin(admin, relative, path + "/" + item.name, details, repository)
      } else if ![FilePath("HEAD"), FilePath("logs/HEAD")].contains(relative) {
        try TreeRemoval.remove(admin.pushing(relative))
        try Files.create(try repository.readBlob(item.id), at: admin.pushing(relative), mode: 0o644)
      }
    }
  }

  /// The tree is fresh from a commit; a link or file in a parent's place belongs to the commit and was replaced by the work.
  private static func makeParents(of path: FilePath, in tree: FilePath) throws {
    var parent = tree
    for component in path.removingLastComponent().components {
      parent.append(component)
      if Files.exists(parent), !Files.isDirectory(parent) { try TreeRemoval.remove(parent) }
      if !Files.exists(parent) { try Files.makeDirectory(parent) }
    }
  }
}
