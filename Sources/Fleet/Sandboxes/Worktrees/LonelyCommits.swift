import Glibc
import SystemPackage
import Tenant

/// Commits that nothing but a worktree's HEAD and reflog leads to.
enum LonelyCommits {
  static func find(_ worktree: Worktree, in repository: borrowing Repository) throws(GitError) -> [ObjectID] {
    let tips = mentioned(by: worktree).filter { repository.isCommit($0) }
    guard !tips.isEmpty else { return [] }
    let known = try repository.references().map(\.target)
    let own = Set(try repository.commits(from: tips, notIn: known, limit: 100_000))
    var lonely: [ObjectID] = []
    for tip in tips where own.contains(tip) {
      if try !repository.isReachable(tip, from: known + lonely) { lonely.append(tip) }
    }
    return lonely
  }

  /// Every object that the admin directory's files mention, HEAD's first: HEAD, its reflog, the refs of the worktree, the
  /// state of a rebase. Read as text: a worktree may be too broken for libgit2 to open.
  private static func mentioned(by worktree: Worktree) -> [ObjectID] {
    var found: [ObjectID] = []
    var seen: Set<ObjectID> = []
    for path in [FilePath("HEAD")] + AdminFiles.list(worktree.directory) {
      let text = FileReading.of(worktree.directory.pushing(path)).text ?? ""
      for word in text.split(whereSeparator: { " \t\n".contains($0) }).reversed() where word.utf8.count == 40 {
        if let id = ObjectID(String(word)), seen.insert(id).inserted { found.append(id) }
      }
    }
    return found
  }

  /// The last of the commits that a parked ref holds: of several that were tied, HEAD's, which is the first.
  static func tip(of parked: ObjectID, in repository: borrowing Repository) throws(GitError) -> ObjectID {
    let parents = try repository.parents(of: parked)
    guard parents.count > 1, try repository.tree(parked).isEmpty else { return parked }
    return parents[0]
  }

  /// One commit with all of them as parents, so that one ref holds them.
  static func tie(
    _ commits: [ObjectID], worker: String, in repository: borrowing Repository
  ) throws(GitError) -> ObjectID {
    let tree = try repository.writeTree([])
    return try repository.writeCommit(
      tree: tree, parents: commits, message: "looop: commits that only \(worker)'s worktree held\n", at: Files.now)
  }
}
