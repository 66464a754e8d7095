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
  /// The worker's branch, in full.
  var branch: String
  /// The branch of the source to move, by its short name; `nil` only brings the worker's own branch.
  var into: String?

  struct Landed: Hashable, Sendable {
    var tip: ObjectID
    var moved: [String] = []
    var already = false
  }

  func run() throws -> Landed {
    let repository = try Repository(opening: common, bare: true)
    guard let tip = try repository.target(of: branch) else {
      throw SandboxError(.notFound, "\(common) has no branch \(SandboxVerb.shortBranch(branch))")
    }
    let origin = try Repository(opening: source, bare: true)
    var landed = Landed(tip: tip)
    if common != source {
      let known = try origin.references().map(\.target)
      try PackTransfer.copy([tip], from: repository, to: source, hiding: known)
      let fresh = try Repository(opening: source, bare: true)
      if try advance(branch, to: tip, in: fresh, creates: true) { landed.moved.append(SandboxVerb.shortBranch(branch)) }
    }
    if let into {
      let fresh = try Repository(opening: source, bare: true)
      if try advance("refs/heads/\(into)", to: tip, in: fresh, creates: false) { landed.moved.append(into) }
    }
    landed.already = landed.moved.isEmpty
    return landed
  }

  private func advance(
    _ ref: String, to tip: ObjectID, in origin: borrowing Repository, creates: Bool
  ) throws -> Bool {
    let short = SandboxVerb.shortBranch(ref)
    guard let old = try origin.target(of: ref) else {
      guard creates else {
        throw SandboxError(.notFound, "\(source) has no branch \(short)", hint: "create it first: git branch \(short)")
      }
      try origin.createReference(ref, at: tip, message: "looop: land \(worker)")
      return true
    }
    if old == tip { return false }
    let (ahead, behind) = try origin.divergence(tip, old)
    if ahead == 0 { return false }
    guard behind == 0 else {
      throw SandboxError(
        .conflict,
        "\(short) has \(behind) commit\(behind == 1 ? "" : "s") that \(SandboxVerb.shortBranch(branch)) lacks",
        hint: "in the sandbox: git rebase \(short) (or git merge \(short)), then land again")
    }
    try moveCheckout(of: ref, from: old, to: tip)
    do {
      try origin.moveReference(ref, from: old, to: tip, message: "looop: land \(worker)")
    } catch {
      guard error.code == .modified else { throw error }
      throw SandboxError(.conflict, "\(short) was moved by somebody else meanwhile", hint: "land again")
    }
    return true
  }

  /// A branch that is checked out cannot just move: the files would look changed. The source's own checkout follows when
  /// it is clean; somebody's linked worktree is not ours to touch.
  private func moveCheckout(of ref: String, from old: ObjectID, to tip: ObjectID) throws {
    let line = "ref: \(ref)"
    let short = SandboxVerb.shortBranch(ref)
    for worktree in Worktree.all(common: source) where Files.line(worktree.directory.appending("HEAD")) == line {
      throw SandboxError(
        .conflict, "\(short) is checked out in \(worktree.tree.map(\.string) ?? worktree.name)",
        hint: "there: git merge --ff-only \(SandboxVerb.shortBranch(branch))")
    }
    let main = try Repository(opening: source)
    guard let directory = main.workDirectory, Files.line(source.appending("HEAD")) == line else { return }
    guard source == directory.lexicallyNormalized().appending(".git") else {
      throw SandboxError(.tampered, "\(source) claims a working tree elsewhere: \(directory)")
    }
    let changes = try main.status().filter { $0.kinds != [.untracked] }
    guard changes.isEmpty, main.operationInProgress == nil else {
      throw SandboxError(
        .conflict, "\(short) is checked out in \(directory) with uncommitted changes",
        hint: "commit or stash them there, then land again")
    }
    try main.checkOut(tip, over: old)
  }
}
