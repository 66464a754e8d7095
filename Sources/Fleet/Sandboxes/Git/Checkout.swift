import CGit2
import Glibc
import SystemPackage
import Tenant

/// Writes a commit's files into an empty directory, on several threads, and the index that goes with them.
///
/// Why not `git_checkout_tree`: it runs on one thread and loses to `git worktree add` by 1.4 times; and it wants a registered
/// worktree, where a crash would leave debris. This needs nothing but a directory nobody knows yet.
///
/// Nothing is ever overwritten and no link is followed: directories are made, never found, and files are created
/// exclusively. A tree made to escape through a link fails here.
struct Checkout {
  /// The common directory of the repository that has the objects.
  var repository: FilePath
  var commit: ObjectID
  var directory: FilePath
  var threads = 2

  init(repository: FilePath, commit: ObjectID, directory: FilePath) {
    self.repository = repository
    self.commit = commit
    self.directory = directory
  }

  struct Outcome: Hashable, Sendable {
    var files: Int
    /// Every `.gitattributes` of the commit.
    var attributes: [ObjectID] = []
    var hasAttributes: Bool { !attributes.isEmpty }
  }

  /// Writes all files below `directory`, which must exist and be empty, and the index to `indexPath`.
  @discardableResult
  func write(index indexPath: FilePath) throws(GitError) -> Outcome {
    let repository = try Repository(opening: self.repository, bare: true)
    // From here on memory grows with the repository; what only the beginning ran through is not held beside it.
    ProgramPages.giveBack()
    let root = try open(directory)
    let descriptor = root.raw
    let index = try IndexDraft(of: commit, in: repository, directoriesIn: descriptor)
    let plan = SmudgePlan(repository, commit: commit, hasAttributes: !index.attributes.isEmpty)
    ProgramPages.giveBack()
    try SharedWork(repository: self.repository, count: index.count, threads: threads).run {
      own, next throws(GitError) in
      let writer = try FileWriter(own, root: descriptor, plan: plan)
      while let range = next() {
        for position in range {
          var entry = unsafe index.entry(position)
          try unsafe writer.write(&entry)
          unsafe index.keep(entry, position)
        }
      }
    }
    try index.write(to: indexPath)
    ProgramPages.giveBack()
    return Outcome(files: index.count, attributes: index.attributes)
  }

  private func open(_ path: FilePath) throws(GitError) -> OwnedDescriptor {
    do throws(HostError) {
      return try OwnedDescriptor(opening: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch {
      throw GitError(.failed, "check out", "\(error)")
    }
  }
}
