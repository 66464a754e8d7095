import Glibc
import SystemPackage
import Tenant

/// Brings a worker's branch home into the source repository, by fast-forward only. Whatever is not a fast-forward is refused
/// in words: merging is a decision.
struct SandboxLanding: Sendable {
  /// Where the worker's branch is.
  var common: FilePath
  /// The repository that the configuration names.
  var source: FilePath
  var worker: SandboxName
  /// The worker's branch, in full, where it has one: for the words. It is not brought along: two tenants' workers may have the same.
  var branch: String?
  /// What is to be landed.
  var tip: ObjectID
  /// The branch of the source to move, by its short name.
  var into: String
  /// Say what would be done, or why not.
  var dryRun = false
  /// Microseconds to wait for a branch that another program has locked.
  var patience: UInt32 = 2_000_000

  struct Landed: Sendable {
    var moved: [String] = []
    /// What the branch gains, newest first.
    var commits: [(ObjectID, String)] = []
    var already: Bool { moved.isEmpty }
  }

  /// Where the source's own HEAD is, by its short name.
  static func headBranch(of source: FilePath) throws -> String {
    switch try Repository(opening: source, bare: true).head() {
    case .branch(let name, _), .unborn(let name): return SandboxVerb.shortBranch(name)
    case .detached:
      throw SandboxError(
        .conflict, "\(source) is on no branch", hint: "say which branch the work is for: --into BRANCH")
    }
  }

  func run() throws -> Landed {
    let repository = try Repository(opening: common, bare: true)
    let origin = try Repository(opening: source, bare: true)
    var landed = Landed()
    guard let old = try origin.target(of: "refs/heads/\(into)") else {
      throw SandboxError(.notFound, "\(source) has no branch \(into)", hint: "create it first: git branch \(into)")
    }
    guard common == source || repository.contains(old) else {
      throw SandboxError(
        .conflict, "\(into) has commits that \(worker)'s private repository lacks",
        hint: "in the sandbox: git fetch source && git rebase source/\(into), then land again")
    }
    try checkForward(repository, from: old)
    landed.commits = try repository.summaries(try repository.commits(from: [tip], notIn: [old], limit: 200))
    if !landed.commits.isEmpty, let checkout = try checkCheckout(of: "refs/heads/\(into)") {
      try checkFilters(repository, from: old, checkout)
    }
    if dryRun {
      if !landed.commits.isEmpty { landed.moved = [into] }
      return landed
    }
    if common != source {
      try PackTransfer.copy([tip], from: repository, to: source, hiding: try origin.references().map(\.target))
    }
    let fresh = try Repository(opening: source, bare: true)
    if try advance(to: tip, in: fresh) { landed.moved.append(into) }
    return landed
  }

  /// Asked before anything is copied: a refusal leaves no trace in the source.
  private func checkForward(_ repository: borrowing Repository, from old: ObjectID) throws {
    let (ahead, behind) = try repository.divergence(tip, old)
    guard ahead == 0 || behind == 0 else { throw notForward(into, behind: behind) }
  }

  private func notForward(_ short: String, behind: Int) -> SandboxError {
    let mine = branch.map(SandboxVerb.shortBranch) ?? tip.short
    let rebase = common == source ? "git rebase \(short)" : "git fetch source && git rebase source/\(short)"
    return SandboxError(
      .conflict, "\(short) has \(behind) commit\(behind == 1 ? "" : "s") that \(mine) lacks",
      hint: "in the sandbox: \(rebase), then land again")
  }

  private func advance(to tip: ObjectID, in origin: borrowing Repository) throws -> Bool {
    let (ref, short) = ("refs/heads/\(into)", into)
    guard let old = try origin.target(of: ref) else {
      throw SandboxError(.conflict, "\(short) was deleted by somebody else meanwhile")
    }
    if old == tip { return false }
    let (ahead, behind) = try origin.divergence(tip, old)
    if ahead == 0 { return false }
    guard behind == 0 else { throw notForward(short, behind: behind) }
    let checkout = try checkCheckout(of: ref)
    if let checkout, Repository.lacksDigest(checkout.appending("index")) {
      throw SandboxError(
        .unsupported,
        "\(short) is checked out with an index without a digest (index.skipHash), which libgit2 cannot write",
        hint: "there: git -c index.skipHash=false update-index --force-write-index, then land again")
    }
    var isWriting = false
    do {
      // Files and branch go together: nobody moves the branch while the files are written, and where either fails both are as before.
      try origin.moveReference(ref, from: old, to: tip, message: "looop: land \(worker)", patience: patience) {
        guard let checkout else { return }
        // It would be found only after all files were written.
        guard !Files.exists(checkout.appending("index.lock")) else { throw locked("its index", by: "index.lock") }
        isWriting = true
        try Repository(opening: checkout).checkOut(tip, over: old)
      }
    } catch {
      // A conflict is found before anything is written.
      let code = (error as? GitError)?.code
      if isWriting, code != .conflict, let checkout { try bringBack(checkout, to: old, because: error) }
      switch code {
      case .conflict?:
        throw SandboxError(
          .conflict,
          "a file in \(source.removingLastComponent()) that git ignores or does not know is in the way of the work",
          hint: "move it aside (what comes: looop-fleet sandbox diff), then land again")
      case .modified?:
        throw SandboxError(.conflict, "\(short) was moved by somebody else meanwhile", hint: "land again")
      case .locked?: throw locked(short, by: "\(ref).lock")
      default: throw error
      }
    }
    return true
  }

  private func locked(_ what: String, by name: String) -> SandboxError {
    SandboxError(
      .busy, "\(what) is locked: another git is at work in \(source), or died there",
      hint: "land again; if none is at work: rm \(source.appending(name).string.shellWord)")
  }

  private func bringBack(_ checkout: FilePath, to old: ObjectID, because error: any Error) throws {
    do {
      try Repository(opening: checkout).checkOut(old, over: old, force: true)
      // What only the work has: nothing stood there before, or the move would have stopped at it.
      for path in try TreeDifference(from: tip, to: old, in: source).gone {
        try remove(path, from: checkout.removingLastComponent())
      }
    } catch let second {
      throw SandboxError(
        .failed, "\(error); and its checkout could not be brought back (\(second))",
        hint: "there, where nothing else was changed: git reset --hard \(into)")
    }
  }

  /// With the directories that are empty without it; never through a link that is back in a directory's place.
  private func remove(_ path: FilePath, from directory: FilePath) throws(HostError) {
    var above = directory
    for component in path.removingLastComponent().components {
      above.append(component)
      guard Files.isDirectory(above) else { return }
    }
    // A name that no file system takes is nowhere.
    let isGone = unsafe directory.pushing(path).withPlatformString { unsafe unlink($0) } == 0
    guard isGone || [ENOENT, ENOTDIR, ENAMETOOLONG].contains(errno) else { throw .last("remove", path) }
    var parent = path.removingLastComponent()
    while !parent.isEmpty, unsafe directory.pushing(parent).withPlatformString({ unsafe rmdir($0) }) == 0 {
      parent = parent.removingLastComponent()
    }
  }

  /// libgit2 runs no filter program: what such a file would be in the checkout is its stored form, a pointer.
  private func checkFilters(_ repository: borrowing Repository, from old: ObjectID, _ checkout: FilePath) throws {
    var needs = ExternalContent()
    try needs.read(try repository.attributeFiles(in: tip), repository)
    guard !needs.filters.isEmpty || needs.reencodes else { return }
    let filtered = try repository.externallyFiltered(in: tip, changedSince: old)
    guard let first = filtered.first else { return }
    let more = filtered.count > 1 ? " and \(filtered.count - 1) more" : ""
    let bring = common == source ? "" : "git fetch \(common.string.shellWord) \(tip.hex) && "
    throw SandboxError(
      .unsupported,
      "\(first)\(more) must pass a filter program to stand in the checkout of \(into), and landing runs none",
      hint: "in \(checkout.removingLastComponent()): \(bring)git merge --ff-only \(tip.hex)")
  }

  /// A branch that is checked out cannot just move: the files would look changed. The source's own checkout follows when
  /// it is clean, and is answered here; somebody's linked worktree is not ours to touch.
  @discardableResult
  private func checkCheckout(of ref: String) throws -> FilePath? {
    let line = "ref: \(ref)"
    let short = SandboxVerb.shortBranch(ref)
    for worktree in Worktree.all(common: source) where Files.line(worktree.directory.appending("HEAD")) == line {
      throw SandboxError(
        .conflict, "\(short) is checked out in \(worktree.tree.map(\.string) ?? worktree.name)",
        hint: "there: git merge --ff-only \(branch.map(SandboxVerb.shortBranch) ?? tip.hex)")
    }
    let main = try Repository(opening: source)
    guard let directory = main.workDirectory, Files.line(source.appending("HEAD")) == line else { return nil }
    guard source == directory.lexicallyNormalized().appending(".git") else {
      throw SandboxError(
        .tampered, "\(source) claims a working tree elsewhere: \(directory)",
        hint: "look at its core.worktree, then land again")
    }
    let changes = try main.status().filter { $0.kinds != [.untracked] }
    guard changes.isEmpty, main.operationInProgress == nil else {
      throw SandboxError(
        .conflict, "\(short) is checked out in \(directory) with uncommitted changes",
        hint: "commit or stash them there, then land again")
    }
    return source
  }
}
