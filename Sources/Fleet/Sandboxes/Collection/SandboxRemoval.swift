import Glibc
import SystemPackage
import Tenant

/// Takes a worker's sandbox away: looks first, parks what is unsaved, then moves the tree aside and drops the registration.
/// What the user waits for are renames; the files are recycled or deleted by the next sweep.
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
    guard Files.exists(tree) || leftover() != nil else {
      // Asked twice, or the first answer was lost: what was wanted is so.
      return Result(verdict: .finish("there is no sandbox of \(worker)"), facts: WorktreeFacts(), removed: true)
    }
    if abandons { return try abandon(tree, corner) }
    let seen = SandboxInspection(common: common, tree: tree).run()
    var result = Result(verdict: CollectionVerdict(seen.facts), facts: seen.facts)
    if dryRun { return result }
    switch result.verdict {
    case .keep: return result
    case .park:
      guard parks, let worktree = seen.worktree else { return result }
      let parking = Parking(common: common, worktree: worktree, tree: tree, worker: worker)
      do {
        result.parkedRefs.append(try parking.run(seen).ref)
      } catch {
        // What cannot be stored stays where it is.
        result.verdict = .keep(["could not be parked: \(SandboxError(error).message)"])
        return result
      }
    case .remove, .finish: break
    }
    let outcome = try takeAway(seen.worktree, tree, corner)
    result.parkedRefs += outcome.parked
    result.deletedBranch = outcome.deletedBranch
    result.removed = true
    try forget()
    return result
  }

  private func abandon(_ tree: FilePath, _ corner: RepositoryCorner) throws -> Result {
    var result = Result(verdict: .remove("nobody worked in it"), facts: WorktreeFacts())
    result.deletedBranch = try takeAway(Worktree.of(tree: tree, common: common), tree, corner).deletedBranch
    result.removed = true
    try forget()
    return result
  }

  /// What it had beside its tree.
  private func forget() throws {
    try TreeRemoval.remove(layout.temporary(worker))
    AtomicFile.remove(layout.openingLock(worker))
  }

  /// An admin directory of this worker whose tree is gone.
  private func leftover() -> Worktree? {
    Worktree.all(common: common).first { $0.note?.worker == worker.text && $0.note?.tree == layout.tree(worker) }
  }

  private func takeAway(
    _ worktree: Worktree?, _ tree: FilePath, _ corner: RepositoryCorner
  ) throws -> Unregistration.Outcome {
    let repository = try Repository(opening: common, bare: true)
    let lock = try corner.lock()
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    if Files.exists(tree) {
      let place = layout.trash.appending(Files.uniqueName(worker.text))
      try Files.makeDirectory(place, mode: 0o700)
      try describe(worktree, in: place)
      // First the tree: an admin directory without its tree is what every later pass recognises and finishes.
      try Files.move(tree, to: place.appending("tree"))
    }
    guard let worktree = worktree ?? leftover() else { return Unregistration.Outcome() }
    return try Unregistration(corner: corner, worktree: worktree).run(repository)
  }

  /// What the sweep needs to know to recycle the tree.
  private func describe(_ worktree: Worktree?, in place: FilePath) throws(HostError) {
    let commit = worktree.flatMap { Files.line($0.directory.appending("HEAD")) } ?? ""
    let note: JSON = [
      "v": 1, "repo": .string(repositoryName.text), "common_dir": .string(common.string), "head": .string(commit),
      "base_oid": .optional(worktree?.note?.base.hex), "worker": .string(worker.text),
    ]
    try Files.write(note.compact + "\n", to: place.appending("note.json"))
  }
}
