import Glibc
import SystemPackage
import Tenant

/// Takes a worktree's registration away, without taking away a commit that only it holds.
///
/// Called under the repository's lock, for a working tree that was moved aside or never got to its place. The same steps
/// undo a creation and finish a removal that was cut off, so both recover from a crash at any line by running again.
struct Unregistration {
  let corner: RepositoryCorner
  let worktree: Worktree

  struct Outcome: Hashable, Sendable {
    /// Refs made so that nothing is lost.
    var parked: [String] = []
    var deletedBranch: String?
  }

  func run(_ repository: borrowing Repository) throws -> Outcome {
    var outcome = Outcome()
    if let ref = try parkLonelyCommits(repository) { outcome.parked.append(ref) }
    let trash = corner.trash.appending(Files.uniqueName(worktree.name))
    try Files.move(worktree.directory, to: trash)
    // From here on the worktree is gone for everybody; what follows is tidying up that the sweep would do as well.
    try? Directory.removeTree(trash)
    if let note = worktree.note, let branch = note.branch, try deleteIfNothingOfItsOwn(branch, repository) {
      outcome.deletedBranch = branch
    }
    return outcome
  }

  /// Detached heads and commits that only this worktree's reflog names are anchored before the reflog goes.
  private func parkLonelyCommits(_ repository: borrowing Repository) throws -> String? {
    guard let note = worktree.note else { return nil }
    let lonely = try LonelyCommits.find(worktree, in: repository)
    guard let tip = lonely.first else { return nil }
    let name = try SandboxName(note.worker)
    if lonely.count == 1 { return try ParkedRef.create(name, at: tip, in: repository) }
    let writing = try Repository(opening: worktree.common, bare: true)
    let intake = try ObjectIntake(writing, corner)
    let commit: ObjectID
    do { commit = try LonelyCommits.tie(lonely, worker: note.worker, in: writing) } catch {
      intake.abandon()
      throw error
    }
    return try intake.finish(writing.objects(of: commit, besides: nil), from: writing) {
      try ParkedRef.create(name, at: commit, in: Repository(opening: worktree.common, bare: true))
    }
  }

  /// A branch whose commits other refs hold as well says nothing; one with commits of its own stays. Our own refs do not count: what
  /// is parked may be deleted once it was looked at, and the branch is what people land.
  private func deleteIfNothingOfItsOwn(_ branch: String, _ repository: borrowing Repository) throws(GitError) -> Bool {
    guard branch.hasPrefix(SandboxName.branchPrefix), let tip = try repository.target(of: branch) else { return false }
    let others = try repository.references().filter { $0.name != branch && !$0.name.hasPrefix("refs/looop/") }
      .map(\.target)
    guard try repository.isReachable(tip, from: others) else { return false }
    do {
      return try repository.deleteReference(branch, at: tip)
    } catch {
      // Somebody holds the refs: a branch too many costs nothing, and the worktree is gone already.
      guard error.code == .locked else { throw error }
      return false
    }
  }
}

/// The refs that hold what was parked: `refs/looop/parked/WORKER`, then `WORKER-2`, ….
enum ParkedRef {
  static func create(
    _ worker: SandboxName, at commit: ObjectID, in repository: borrowing Repository
  ) throws(GitError) -> String {
    var number = 1
    while true {
      let ref = SandboxName.parkedPrefix + worker.candidate(number)
      do {
        try repository.createReference(ref, at: commit, message: "looop: park")
        return ref
      } catch {
        guard error.code == .exists else { throw error }
        number += 1
      }
    }
  }
}
