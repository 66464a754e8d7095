import SystemPackage
import Tenant

/// Where a worker's work is now: in its worktree while that is there, parked on a ref, or on its branch alone.
struct SandboxWork: Sendable {
  struct Parked: Hashable, Sendable {
    /// The whole working tree as it stood.
    var commit: ObjectID
    /// `nil` for a ref that holds commits only: then `commit` is the work.
    var work: ParkedWork?

    /// Changes that are in no commit of the worker's own.
    var unsaved: Int { work.map { $0.files.count + $0.deleted.count } ?? 0 }
  }

  var place: RepositoryPlace
  var worker: SandboxName
  /// A whole worktree.
  var tree: FilePath?
  var note: WorktreeNote?
  var parked: Parked?
  /// In full; `nil` where it has none.
  var branch: String?

  var state: String { tree != nil ? "worktree" : parked != nil ? "parked" : "branch" }

  /// *Request*: `{worker, repo_name? + repo_path?, repos?}`
  static func find(_ request: SandboxRequest) throws -> SandboxWork {
    let worker = try request.worker()
    let place = try RepositoryPlace.holding(worker, request)
    let repository = try Repository(opening: place.common, bare: true)
    let worktree = Worktree.all(common: place.common).first {
      $0.note?.worker == worker.text && $0.note?.tree == place.layout.tree(worker)
    }
    var work = SandboxWork(place: place, worker: worker, note: worktree?.note)
    if let worktree, worktree.isWhole { work.tree = worktree.tree }
    let own = SandboxName.branchPrefix + worker.text
    if work.tree != nil {
      work.branch = worktree?.note?.branch
    } else {
      let ref = SandboxName.parkedPrefix + worker.text
      if let commit = try repository.target(of: ref) {
        work.parked = Parked(commit: commit, work: try ParkedWork.read(commit, in: repository)?.work)
      }
      let named = work.parked?.work?.branch ?? worktree?.note?.branch ?? own
      if try repository.target(of: named) != nil { work.branch = named }
    }
    guard work.tree != nil || work.parked != nil || work.branch != nil else {
      throw SandboxError(
        .notFound, "\(place.name) has neither a sandbox nor a branch nor parked work of \(worker)",
        hint: "what landed or had no commit of its own leaves nothing; list them: looop-fleet sandboxes")
    }
    return work
  }

  /// Finds the work and does something with it. A worker's end has its worktree given back meanwhile: a tree that goes away under us
  /// is no answer to whoever asks just then. The work is on its branch or parked by now, so it is found anew.
  static func with<Value>(_ request: SandboxRequest, _ body: (SandboxWork) throws -> Value) throws -> Value {
    for _ in 1..<attempts {
      let work = try find(request)
      do {
        return try body(work)
      } catch {
        guard let tree = work.tree, !Files.exists(tree) else { throw error }
      }
    }
    return try body(find(request))
  }

  /// It goes once, and comes back only to who keeps writing in it.
  private static let attempts = 4

  /// The last commit that the worker made; what is not committed is not in it.
  func commit() throws -> ObjectID {
    let repository = try Repository(opening: place.common, bare: true)
    if let tree, let head = try Repository(opening: tree).head().commit { return head }
    if let branch, let tip = try repository.target(of: branch) { return tip }
    guard let parked else { throw SandboxError(.notFound, "\(worker) has no commit") }
    guard let work = parked.work else { return parked.commit }
    // Of a branch without a commit what it began from.
    guard let head = work.head ?? (repository.isCommit(work.base) ? work.base : nil) else {
      throw SandboxError(.notFound, "\(worker) has no commit")
    }
    return head
  }

  /// What the work began from.
  func base(of tip: ObjectID, in repository: borrowing Repository) throws -> ObjectID {
    if let noted = note?.base ?? parked?.work?.base, repository.isCommit(noted) {
      return try repository.mergeBase(noted, tip) ?? noted
    }
    let others = try repository.references().filter {
      !$0.name.hasPrefix(SandboxName.branchPrefix) && !$0.name.hasPrefix("refs/looop/")
    }
    let own = try repository.commits(from: [tip], notIn: others.map(\.target))
    guard let first = own.last else { return tip }
    return try repository.parents(of: first).first ?? first
  }
}
