import Glibc
import SystemPackage
import Tenant

/// One registered worktree: its admin directory (`worktrees/NAME` in the common directory) and its working tree.
///
/// Why not `git_worktree_add`: it makes the admin directory in steps, so that a crash leaves one that blocks every later
/// add, and it looks at all others meanwhile, so that concurrent adds fail with a false "already checked out". Here the
/// directory is built where nobody looks and appears whole, by one rename. What is in it is git's documented layout
/// (gitrepository-layout), and one file of ours, `looop.json`.
struct Worktree: Hashable, Sendable {
  var common: FilePath
  var name: String
  /// What we noted when we made it; `nil` for somebody else's worktree.
  var note: WorktreeNote?

  var directory: FilePath { common.appending("worktrees").appending(name) }

  /// The working tree, as the admin directory says.
  var tree: FilePath? {
    guard let line = Files.line(directory.appending("gitdir")) else { return nil }
    return FilePath(line).removingLastComponent()
  }

  /// Whether the working tree is there and points back here.
  var isWhole: Bool {
    guard let tree, let line = Files.line(tree.appending(".git")) else { return false }
    return line == "gitdir: \(directory)"
  }

  var lockReason: String? {
    guard Files.exists(directory.appending("locked")) else { return nil }
    return Files.line(directory.appending("locked")) ?? ""
  }

  /// All worktrees of a repository, ours and others', broken ones too.
  static func all(common: FilePath) -> [Worktree] {
    Files.names(common.appending("worktrees")).map { Worktree(common: common, named: $0) }
  }

  init(common: FilePath, named name: String) {
    self.common = common
    self.name = name
    note = WorktreeNote(readingFrom: common.appending("worktrees").appending(name))
  }

  /// The worktree whose working tree this is: by the tree's own word if that holds, else by asking all of them.
  static func of(tree: FilePath, common: FilePath) -> Worktree? {
    if let line = Files.line(tree.appending(".git")), line.hasPrefix("gitdir: ") {
      let directory = FilePath(String(line.dropFirst("gitdir: ".count)))
      if directory.removingLastComponent() == common.appending("worktrees"), let name = directory.lastComponent?.string
      {
        let worktree = Worktree(common: common, named: name)
        if worktree.tree == tree { return worktree }
      }
    }
    return all(common: common).first { $0.tree == tree || $0.note?.tree == tree }
  }

  /// The one that was made for a worker, whether its tree is there or not.
  static func of(_ worker: SandboxName, in layout: SandboxLayout, common: FilePath) -> Worktree? {
    all(common: common).first { $0.note?.worker == worker.text && $0.note?.tree == layout.tree(worker) }
  }

  /// The full name of the branch that its HEAD is on; `nil` for a detached one.
  var branch: String? {
    guard let line = Files.line(directory.appending("HEAD")), line.hasPrefix("ref: ") else { return nil }
    return String(line.dropFirst("ref: ".count))
  }

  /// Fills `directory` with what an admin directory needs, except HEAD.
  static func stage(_ directory: FilePath, tree: FilePath, lockReason: String) throws(HostError) {
    try Files.write("../..\n", to: directory.appending("commondir"))
    try Files.write("\(tree)/.git\n", to: directory.appending("gitdir"))
    // A lock with a reason: `git worktree prune` run where the tree is not visible must not drop the registration.
    try Files.write("\(lockReason)\n", to: directory.appending("locked"))
    try Files.makeDirectory(directory.appending("refs"))
    try Files.makeDirectory(directory.appending("logs"))
  }

  /// Publishes a staged admin directory under the first free name, and points the working tree at it.
  static func publish(
    _ staged: FilePath, common: FilePath, name: SandboxName, tree: FilePath
  ) throws(HostError) -> Worktree {
    let parent = common.appending("worktrees")
    var number = 1
    var attempts = 0
    while true {
      let candidate = name.candidate(number)
      attempts += 1
      do throws(HostError) {
        try Directory.create(parent)
        try Files.write("gitdir: \(parent.appending(candidate))\n", to: tree.appending(".git"))
        try Files.move(staged, to: parent.appending(candidate))
        return Worktree(common: common, named: candidate)
      } catch {
        if error.isExisting {
          number += 1
        } else if !error.isAbsent || attempts > 1000 || !Files.exists(staged) {
          // Absent alone means that `git worktree remove` took an empty `worktrees` from under us: make it again.
          throw error
        }
      }
    }
  }
}
