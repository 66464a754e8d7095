import Glibc
import SystemPackage
import Tenant

/// Makes a worker's sandbox: a worktree on a branch of its own.
///
/// Files are written first, into a place that nobody knows; then, under the repository's lock and within milliseconds, the
/// admin directory appears by one rename, then the branch, then the tree in its place. A death before the first rename
/// leaves a staging directory without an owner; one between the renames leaves an admin directory whose note says
/// what to undo. Neither stands in the way of a retry, and the sweep removes both.
struct SandboxCreation: Sendable {
  var layout: SandboxLayout
  var worker: SandboxName
  var repositoryName: SandboxName
  /// The repository's common directory.
  var common: FilePath
  /// Where the base is looked up: the source, when `common` is a private repository that borrows from it.
  var source: FilePath
  var base: String
  /// Whose files are written, where that is not the base.
  var files: ObjectID?
  var target = Target.newBranch
  var threads = 2
  /// Of git's own lock; `nil` for a worker's.
  var lockReason: String?
  /// Which start of the worker it is for: asking again for the same one is a retry.
  var start: String?
  /// Whether a pooled tree may be used.
  var pools = true
  /// Changes tree and admin directory before anybody sees them, knowing what is still missing in the tree.
  var fill: (@Sendable (_ tree: FilePath, _ admin: FilePath, _ needs: ExternalContent) throws -> Void)?

  enum Target: Hashable, Sendable {
    /// `looop/WORKER`, or the first free `looop/WORKER-N`.
    case newBranch
    /// A branch that exists, by its full name.
    case branch(String)
    /// A branch that does not exist yet, by its full name.
    case fresh(String)
    case detached
    /// A branch that has no commit yet, by its full name.
    case unborn(String)
  }

  enum Origin: String, Sendable {
    /// An earlier request made it, to its end or not.
    case existing
    case warm
    case cold
  }

  struct Made: Hashable, Sendable {
    var path: FilePath
    var branch: String?
    var base: ObjectID
    var origin: Origin
    var worktree: Worktree
    /// What is still to be filled in.
    var needs = ExternalContent()
    /// Of one that an earlier start left: in words, how it stands.
    var resumed: String?

    var isNew: Bool { origin != .existing }
  }

  static func workersLock(_ worker: SandboxName) -> String { "\(SandboxInspection.lockPrefix) \(worker)" }

  func run() throws -> Made {
    try layout.prepare()
    let corner = RepositoryCorner(common: common)
    try corner.prepare()
    let tree = layout.tree(worker)
    if !Files.exists(tree) { try CutOffRemoval(layout: layout, common: common).putBack(worker) }
    if let made = try existing(tree) { return made }
    let repository = try Repository(opening: common, bare: true)
    let id = try resolveBase(repository)

    let staging = try Staging(in: layout.staging, for: worker.text)
    let admin: Staging
    do { admin = try Staging(in: corner.staging, for: worker.text) } catch {
      staging.discard()
      throw error
    }
    do {
      let stagedAdmin = admin.directory.appending("admin")
      let stagedTree = staging.directory.appending("tree")
      try Files.makeDirectory(stagedAdmin, mode: 0o755)
      var needs: ExternalContent?
      if pools {
        needs = try WarmPool(layout: layout, repository: repositoryName).take(
          commit: files ?? id, common: common, into: stagedTree, index: stagedAdmin.appending("index"))
      }
      let warm = needs != nil
      if !warm {
        try Files.makeDirectory(stagedTree, mode: 0o755)
        var checkout = Checkout(repository: common, commit: files ?? id, directory: stagedTree)
        checkout.threads = threads
        let written = try checkout.write(index: stagedAdmin.appending("index"))
        needs = ExternalContent()
        try needs?.read(written.attributes, repository)
      }
      try Worktree.stage(stagedAdmin, tree: tree, lockReason: lockReason ?? Self.workersLock(worker))
      try fill?(stagedTree, stagedAdmin, needs ?? ExternalContent())
      var made = try publish(stagedTree, stagedAdmin, tree: tree, base: id, warm: warm, corner, repository)
      made.needs = needs ?? ExternalContent()
      staging.discard()
      admin.discard()
      return made
    } catch {
      staging.discard()
      admin.discard()
      throw error
    }
  }

  /// Asking again for what was made already gives the same answer: a supervisor that died before it noted our first
  /// one asks again. A later start of that worker goes on where the earlier one stopped, and is told.
  private func existing(_ tree: FilePath) throws -> Made? {
    guard Files.exists(tree) else { return nil }
    guard let worktree = Worktree.of(tree: tree, common: common), worktree.isWhole, let note = worktree.note,
      note.worker == worker.text
    else {
      throw SandboxError(
        .exists, "\(tree) exists and is not a sandbox of \(worker) in \(common)",
        hint: "look at it, then: looop-fleet sandbox prune")
    }
    var made = Made(path: tree, branch: note.branch, base: note.base, origin: .existing, worktree: worktree)
    if let start, note.start != start {
      made.resumed = resumption(tree, note)
      made.worktree.note?.start = start
      try made.worktree.note?.replace(in: worktree.directory)
    }
    return made
  }

  private func resumption(_ tree: FilePath, _ note: WorktreeNote) -> String {
    let wanted = try? resolveBase(Repository(opening: common, bare: true))
    let asked = wanted == note.base ? "" : ", not from \(base) (\(wanted?.short ?? "which is not there"))"
    let changes = (try? Repository(opening: tree).status().count).map { "\($0) unsaved change\($0 == 1 ? "" : "s")" }
    return
      "goes on in the sandbox that an earlier start left: begun from \(note.base.short)\(asked), with \(changes ?? "changes that cannot be read")"
  }

  private func resolveBase(_ repository: borrowing Repository) throws -> ObjectID {
    do {
      if source == common { return try repository.commit(base) }
      let origin = try Repository(opening: source, bare: true)
      guard let id = try? origin.commit(base) else { return try repository.commit(base) }
      guard repository.contains(id) else {
        throw SandboxError(.failed, "the private repository does not see \(id) of \(source)")
      }
      return id
    } catch let error as GitError
      where error.code == .notFound || error.code == .unbornBranch || error.code == .invalidSpec
    {
      throw SandboxError(
        .notFound, "\(source) has no commit \(base)",
        hint: "name a branch, a tag or a commit that exists; a new repository needs its first commit")
    }
  }

  private func publish(
    _ stagedTree: FilePath, _ stagedAdmin: FilePath, tree: FilePath, base id: ObjectID, warm: Bool,
    _ corner: RepositoryCorner, _ repository: borrowing Repository
  ) throws -> Made {
    let lock = try corner.lock()
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    try undoUnfinished(corner, repository)
    var note = WorktreeNote(
      worker: worker.text, repository: repositoryName.text, branch: nil, base: id, tree: tree, createdAt: Files.now)
    note.start = start
    var number = 1
    switch target {
    case .newBranch: note.branch = try freeBranch(from: &number, repository)
    case .branch(let name), .fresh(let name), .unborn(let name): note.branch = name
    case .detached: break
    }
    try describe(note, in: stagedAdmin)
    var worktree = try Worktree.publish(stagedAdmin, common: common, name: worker, tree: stagedTree)
    do {
      if case .fresh(let branch) = target {
        try repository.createReference(branch, at: id, message: "looop: sandbox of \(worker)")
      }
      while target == .newBranch, let branch = note.branch {
        do throws(GitError) {
          try repository.createReference(branch, at: id, message: "looop: sandbox of \(worker)")
          break
        } catch {
          // Somebody outside our lock was faster with that name.
          guard error.code == .exists else { throw error }
          number += 1
          note.branch = try freeBranch(from: &number, repository)
          try describe(note, in: worktree.directory)
        }
      }
      try Files.move(stagedTree, to: tree)
    } catch {
      worktree.note = note
      _ = try? Unregistration(corner: corner, worktree: worktree).run(repository)
      throw error
    }
    worktree.note = note
    return Made(path: tree, branch: note.branch, base: id, origin: warm ? .warm : .cold, worktree: worktree)
  }

  /// HEAD, its first reflog line and our note.
  private func describe(_ note: WorktreeNote, in directory: FilePath) throws(HostError) {
    try note.write(into: directory)
    try Files.write(note.branch.map { "ref: \($0)\n" } ?? "\(note.base)\n", to: directory.appending("HEAD"))
    let zero = String(repeating: "0", count: 40)
    try Files.write(
      "\(zero) \(note.base) looop-fleet <looop-fleet@localhost> \(note.createdAt) +0000\tlooop: sandbox of \(worker)\n",
      to: directory.appending("logs/HEAD"))
  }

  /// Under the lock no creation or removal of ours is under way: an admin directory of this worker without its tree is what
  /// a dead one left.
  private func undoUnfinished(_ corner: RepositoryCorner, _ repository: borrowing Repository) throws {
    var number = 1
    while true {
      let worktree = Worktree(common: common, named: worker.candidate(number))
      guard Files.exists(worktree.directory) else { return }
      if let note = worktree.note, note.worker == worker.text, note.tree == layout.tree(worker),
        !Files.exists(note.tree)
      {
        _ = try Unregistration(corner: corner, worktree: worktree).run(repository)
      } else {
        number += 1
      }
    }
  }

  /// The first of `looop/WORKER`, `looop/WORKER-2`, … that neither a branch nor parked work has.
  private func freeBranch(from number: inout Int, _ repository: borrowing Repository) throws -> String {
    if try repository.target(of: "refs/heads/looop") != nil {
      throw SandboxError(
        .conflict, "\(common) has a branch named looop, so it cannot have looop/\(worker)",
        hint: "rename that branch: git branch -m looop NEW")
    }
    while true {
      let candidate = worker.candidate(number)
      let branch = SandboxName.branchPrefix + candidate
      if try repository.target(of: branch) == nil,
        try repository.target(of: SandboxName.parkedPrefix + candidate) == nil
      {
        return branch
      }
      number += 1
    }
  }
}
