import Glibc
import SystemPackage
import Tenant

/// Takes a worker's sandbox away: looks first, parks what is unsaved, then moves the tree aside and drops the registration.
/// What the user waits for are renames; the files are recycled or deleted by the next sweep.
///
/// Once the tree is aside nobody finds it by its path any more, and it is looked over once more: where something in it changed since
/// the look began, it goes back to its place, and all begins anew.
struct SandboxRemoval: Sendable {
  var layout: SandboxLayout
  var worker: SandboxName
  var repositoryName: SandboxName
  var common: FilePath
  var dryRun = false
  /// Park what is unsaved; without it such a worktree is kept.
  var parks = true
  /// For a sandbox that nobody worked in yet: take it away as it is.
  var abandons = false
  var users: TreeUsers
  /// Between the look and the taking away; for tests.
  var meanwhile: (@Sendable () -> Void)?
  /// While the tree is aside; for tests, which may have it end there.
  var aside: (@Sendable (_ tree: FilePath) throws -> Void)?

  init(
    layout: SandboxLayout, worker: SandboxName, repositoryName: SandboxName, common: FilePath, users: TreeUsers? = nil
  ) {
    self.layout = layout
    self.worker = worker
    self.repositoryName = repositoryName
    self.common = common
    self.users = users ?? TreeUsers(root: layout.root)
  }

  struct Result: Sendable {
    var verdict: CollectionVerdict
    var facts: WorktreeFacts
    var removed = false
    var parkedRefs: [String] = []
    var deletedBranch: String?

    /// In one word: what became of it, or would.
    func outcome(dryRun: Bool = false) -> String {
      switch verdict {
      case .keep: "kept"
      case .park: removed || dryRun ? "parked" : "kept"
      case .remove, .finish: "removed"
      }
    }

    /// Why, in words.
    var sentence: String {
      let reasons = verdict.reasons.joined(separator: ", ")
      return parkedRefs.isEmpty ? reasons : "\(reasons); kept as \(parkedRefs.joined(separator: ", "))"
    }
  }

  func run() throws -> Result {
    let tree = layout.tree(worker)
    let corner = RepositoryCorner(common: common)
    try corner.prepare()
    try layout.prepare()
    // What it held is aside: without its registration nobody would know it for what it is.
    if !dryRun, let why = try CutOffRemoval(layout: layout, common: common).putBack(worker).obstructed.first {
      return Result(verdict: .keep([why]), facts: WorktreeFacts())
    }
    guard Files.exists(tree) || registration != nil else {
      // Asked twice, or the first answer was lost: what was wanted is so.
      return Result(verdict: .finish("there is no sandbox of \(worker)"), facts: WorktreeFacts(), removed: true)
    }
    if abandons { return try abandon(tree, corner) }
    var parked: [String] = []
    for number in 0..<Self.attempts {
      if let result = try attempt(tree, corner, &parked, isFirst: number == 0) { return result }
    }
    return Result(
      verdict: .keep(["files in it change while it is looked at"]), facts: WorktreeFacts(), parkedRefs: parked)
  }

  /// Nobody's last words take longer; who goes on writing is at work.
  private static let attempts = 3

  /// `nil`: something changed meanwhile, and it stands where it stood. What was `parked` then stays parked.
  private func attempt(
    _ tree: FilePath, _ corner: RepositoryCorner, _ parked: inout [String], isFirst: Bool
  ) throws -> Result? {
    // Nobody waits for the next stamp at once: what was written just before is taken for a late change, and looked at again.
    let began = dryRun ? 0 : isFirst ? HostClock.fileStamp() : LateChanges.beginning()
    let seen = SandboxInspection(common: common, tree: tree, users: users).run()
    var result = Result(verdict: CollectionVerdict(seen.facts), facts: seen.facts)
    if dryRun { return result }
    switch result.verdict {
    case .keep: return result
    case .park:
      guard parks, let worktree = seen.worktree else { return result }
      let parking = Parking(common: common, worktree: worktree, tree: tree, worker: worker)
      do {
        let made = try parking.run(seen)
        parked.append(made.ref)
        try BorrowedObjects.keep(in: common, tips: [made.commit])
      } catch {
        // What cannot be stored stays where it is.
        result.verdict = .keep(["could not be parked: \(SandboxError(error).message)"])
        return result
      }
    case .remove:
      do {
        try BorrowedObjects.keep(in: common, tips: [try Repository(opening: tree).head().commit].compactMap { $0 })
      } catch {
        result.verdict = .keep(["its commits could not be made safe: \(SandboxError(error).message)"])
        return result
      }
    case .finish: break
    }
    meanwhile?()
    guard let outcome = try takeAway(seen.worktree, tree, corner, since: began) else { return nil }
    result.parkedRefs = parked + outcome.parked
    result.deletedBranch = outcome.deletedBranch
    result.removed = true
    try forget()
    return result
  }

  private func abandon(_ tree: FilePath, _ corner: RepositoryCorner) throws -> Result {
    var result = Result(verdict: .remove("nobody worked in it"), facts: WorktreeFacts())
    result.deletedBranch = try takeAway(
      Worktree.of(tree: tree, common: common), tree, corner, since: nil)?.deletedBranch
    result.removed = true
    try forget()
    return result
  }

  private var registration: Worktree? { Worktree.of(worker, in: layout, common: common) }

  /// What it had beside its tree.
  private func forget() throws {
    try TreeRemoval.remove(layout.temporary(worker))
    AtomicFile.remove(layout.openingLock(worker))
  }

  /// `nil`: something in it changed since then, and it is in its place again.
  private func takeAway(
    _ worktree: Worktree?, _ tree: FilePath, _ corner: RepositoryCorner, since began: Int64?
  ) throws -> Unregistration.Outcome? {
    let repository = try Repository(opening: common, bare: true)
    let lock = try corner.lock()
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    if Files.exists(tree) {
      let place = layout.trash.appending(Files.uniqueName(worker.text))
      try Files.makeDirectory(place, mode: 0o700)
      try describe(worktree, in: place)
      // First the tree: an admin directory without its tree is what every later pass recognises and finishes.
      try Files.move(tree, to: place.appending("tree"))
      try aside?(place.appending("tree"))
      if let began, LateChanges.exist(in: place.appending("tree"), worktree, since: began) {
        try putBack(place, to: tree)
        return nil
      }
    }
    guard let worktree = worktree ?? registration else { return Unregistration.Outcome() }
    return try Unregistration(corner: corner, worktree: worktree).run(repository)
  }

  private func putBack(_ place: FilePath, to tree: FilePath) throws {
    do {
      try Files.move(place.appending("tree"), to: tree)
      try? Directory.removeTree(place)
    } catch {
      // Somebody made that directory anew: both stay.
      let other = layout.trees.appending(Files.uniqueName(worker.text))
      try Files.move(place.appending("tree"), to: other)
      throw SandboxError(
        .busy, "\(tree) was made anew while it was given back; what it held is in \(other)",
        hint: "look at both: looop-fleet sandboxes")
    }
  }

  /// What the sweep needs to know to recycle the tree.
  private func describe(_ worktree: Worktree?, in place: FilePath) throws(HostError) {
    let commit = worktree.flatMap { Files.line($0.directory.appending("HEAD")) } ?? ""
    let note: JSON = [
      "v": 1, "repo": .string(repositoryName.text), "common_dir": .string(common.string), "head": .string(commit),
      "base_oid": .optional(worktree?.note?.base.hex), "worker": .string(worker.text),
      "registration": worktree.map(CutOffRemoval.identity) ?? .null,
    ]
    try Files.write(note.compact + "\n", to: place.appending("note.json"))
  }
}
