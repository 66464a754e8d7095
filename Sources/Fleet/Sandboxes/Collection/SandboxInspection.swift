import CLinux
import Dispatch
import Glibc
import SystemPackage
import Tenant

/// Looks at one worker's worktree and states the facts. Changes nothing, executes nothing.
struct SandboxInspection: Sendable {
  var common: FilePath
  var tree: FilePath
  var users: TreeUsers
  /// The lock reason that is ours begins like this.
  static let lockPrefix = "sandbox of looop worker"

  struct Seen: Sendable {
    var facts: WorktreeFacts
    var worktree: Worktree?
    /// What differs, for parking.
    var entries: [StatusEntry] = []
    var hiddenPaths: [FilePath] = []
    var ignoredPaths: [FilePath] = []
  }

  func run() -> Seen {
    var seen = Seen(facts: WorktreeFacts(), worktree: Worktree.of(tree: tree, common: common))
    guard let worktree = seen.worktree else {
      seen.facts.state = Files.exists(tree) ? .unregistered : .unreadable("there is neither a tree nor a registration")
      return seen
    }
    guard Files.exists(tree) else {
      seen.facts.state = .withoutTree
      return seen
    }
    guard worktree.isWhole else {
      seen.facts.state = .unreadable("its .git file was changed: it no longer names \(worktree.directory)")
      return seen
    }
    do {
      try look(worktree, &seen)
    } catch {
      seen.facts.state = .unreadable("\(error)")
    }
    return seen
  }

  private func look(_ worktree: Worktree, _ seen: inout Seen) throws {
    let repository = try Repository(opening: tree)
    guard repository.commonDirectory.lexicallyNormalized() == common,
      repository.workDirectory?.lexicallyNormalized() == tree
    else {
      seen.facts.state = .unreadable("it belongs to \(repository.commonDirectory), not to \(common)")
      return
    }
    if let reason = worktree.lockReason, !reason.hasPrefix(Self.lockPrefix) { seen.facts.foreignLock = reason }
    // Everybody's open files take as long as all files of a small tree: meanwhile.
    let (found, looking, tree, users) = (
      Locked((users: [String](), places: NestedRepositories.Places())), DispatchGroup(), tree, users
    )
    DispatchQueue.global().async(group: looking) {
      let look = (users: users.find(in: tree), places: NestedRepositories.places(in: tree))
      found.withLock { $0 = look }
    }
    try history(worktree, repository, &seen)
    let entries = try repository.status(ignored: true)
    seen.entries = entries.filter { $0.kinds != [.ignored] }
    for entry in seen.entries { classify(entry, &seen.facts) }
    seen.hiddenPaths = try HiddenChanges.find(in: repository, tree: tree)
    seen.facts.hidden = seen.hiddenPaths.count
    seen.facts.operation = repository.operationInProgress
    seen.facts.submodulesAtRisk = NestedRepositories.submodulesAtRisk(worktree)
    let ignored = IgnoredFiles(entries.filter { $0.kinds == [.ignored] }, in: worktree, tree: tree)
    seen.ignoredPaths = ignored.kept
    seen.facts.ignored = ignored.kept.count
    seen.facts.ignoredLeft = ignored.left
    looking.wait()
    let (now, places) = found.withLock { $0 }
    seen.facts.users = now
    seen.facts.unsearched = places.unsearched
    if !places.paths.isEmpty { nested(places, worktree, try repository.trackedPaths(), &seen) }
  }

  /// What stands in the worktree's own index or is to be parked needs no other repository to keep it.
  private func nested(
    _ places: NestedRepositories.Places, _ worktree: Worktree, _ tracked: Set<FilePath>, _ seen: inout Seen
  ) {
    let kept = tracked.union(seen.entries.map(\.path)).union(seen.ignoredPaths)
    let known = Set(seen.facts.nestedRepositories.map { FilePath($0) })
    seen.facts.nestedRepositories += NestedRepositories.atRisk(
      among: places, in: tree, of: worktree, parked: kept.contains
    ).filter { !known.contains(FilePath($0)) }
  }

  private func history(_ worktree: Worktree, _ repository: borrowing Repository, _ seen: inout Seen) throws {
    let references = try repository.references()
    seen.facts.stashes = references.contains { $0.name == "refs/stash" } ? try repository.stash().count : 0
    seen.facts.lonelyCommits = try LonelyCommits.find(worktree, in: repository).count
    switch try repository.head() {
    case .branch(let name, let tip):
      let others = references.filter { $0.name != name }.map(\.target)
      let own = try repository.commits(from: [tip], notIn: others)
      seen.facts.head = .branch(SandboxVerb.shortBranch(name), ownCommits: own.count)
    case .detached(let tip):
      seen.facts.head = .detached(lonely: try !repository.isReachable(tip, from: references.map(\.target)))
    case .unborn(let name):
      seen.facts.head = .unborn(SandboxVerb.shortBranch(name))
    }
  }

  private func classify(_ entry: StatusEntry, _ facts: inout WorktreeFacts) {
    if entry.kinds.contains(.conflicted) { facts.conflicted += 1 }
    if entry.kinds.contains(.staged) { facts.staged += 1 }
    if entry.kinds.contains(.modified) { facts.modified += 1 }
    if entry.kinds.contains(.deleted) { facts.deleted += 1 }
    guard entry.kinds.contains(.untracked) else { return }
    facts.untracked += 1
    let path = tree.pushing(entry.path)
    if entry.isDirectory {
      facts.nestedRepositories.append(entry.path.string)
    } else if let status = Files.status(path), ![S_IFREG, S_IFLNK].contains(status.st_mode & S_IFMT) {
      facts.unstorable.append(entry.path.string)
    }
  }
}
