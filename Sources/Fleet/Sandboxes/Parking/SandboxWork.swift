import SystemPackage
import Tenant

/// Where a worker's work is now: in its worktree while that is there, parked on a ref, or on its branch alone.
struct SandboxWork: Sendable {
  struct Parked: Hashable, Sendable {
    /// In full.
    var ref: String
    /// When it was parked; of commits only, when the last of them was made.
    var time: Int64
    /// The whole working tree as it stood.
    var commit: ObjectID
    /// `nil` for a ref that holds commits only: then `commit` is the last of them.
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

  /// What the worker's record says of its last start. A name may be used again, and an earlier start's work is not what is asked for.
  struct LastStart: Hashable, Sendable {
    var repository: String?
    /// In full: the branch that its sandbox was made on.
    var branch: String?
    /// Seconds since 1970.
    var startedAt: Int64?

    /// *Request*: `{last?: {repo, branch, started_at}}`
    init(_ request: SandboxRequest, _ worker: SandboxName) {
      let last = request.document["last"]
      repository = last?["repo"]?.string
      startedAt = last?["started_at"]?.int
      let full = last?["branch"]?.string.map { "refs/heads/\($0)" }
      branch = full.flatMap { worker.number(ofBranch: $0) == nil ? nil : $0 }
    }
  }

  /// *Request*: `{worker, last?, repo_name? + repo_path?, repos?}`
  static func find(_ request: SandboxRequest) throws -> SandboxWork {
    let worker = try request.worker()
    let last = LastStart(request, worker)
    var (places, broken) = try RepositoryPlace.candidates(worker, request)
    if let name = last.repository {
      places = places.filter { $0.name.text == name } + places.filter { $0.name.text != name }
    }
    if let work = places.lazy.compactMap({ standing(worker, $0) }).first { return work }
    var earlier: [String] = []
    for place in places {
      do {
        if let work = try left(worker, place, last, &earlier) { return work }
      } catch let error where !(error is SandboxError) {
        broken.append("\(place.name): \(SandboxError(error).message)")
      }
    }
    guard earlier.isEmpty else {
      throw SandboxError(
        .notFound, (["the last start of \(worker) left nothing"] + earlier + broken).joined(separator: "; "),
        hint: "what an earlier start left comes back as a sandbox: looop-fleet sandbox restore TENANT/WORKER --as NAME")
    }
    throw SandboxError(
      .notFound,
      (["there is neither a sandbox nor a branch nor parked work of \(worker)"] + broken).joined(separator: "; "),
      hint: "what landed or had no commit of its own leaves nothing; list them: looop-fleet sandboxes")
  }

  /// In its worktree.
  private static func standing(_ worker: SandboxName, _ place: RepositoryPlace) -> SandboxWork? {
    guard let worktree = Worktree.of(worker, in: place.layout, common: place.common), worktree.isWhole,
      let tree = worktree.tree
    else { return nil }
    return SandboxWork(place: place, worker: worker, tree: tree, note: worktree.note, branch: worktree.branch)
  }

  /// On a parked ref, on a branch, or both.
  ///
  /// - `earlier`: in words, what is there and is not the last start's.
  private static func left(
    _ worker: SandboxName, _ place: RepositoryPlace, _ last: LastStart, _ earlier: inout [String]
  ) throws -> SandboxWork? {
    let repository = try Repository(opening: place.common, bare: true)
    let note = Worktree.of(worker, in: place.layout, common: place.common)?.note
    var work = SandboxWork(place: place, worker: worker, note: note)
    let known = note?.branch ?? last.branch
    let own = known ?? SandboxName.branchPrefix + worker.text
    let hasOwn = try repository.target(of: own) != nil
    var branch: String? = own
    work.parked = try ParkedWork.newest(of: worker, in: repository)
    if let parked = work.parked {
      if let start = last.startedAt, parked.time < start {
        guard known != nil, hasOwn else {
          earlier.append("\(parked.ref) in \(place.common) was parked before it")
          return nil
        }
        work.parked = nil
      } else if parked.work == nil, hasOwn {
        // Commits that no branch led to may be what the worker gave up; what it kept is on its branch.
        work.parked = nil
      } else {
        // What parked it says where its HEAD was. If that was detached, no branch leads to all of it.
        branch = parked.work?.branch
      }
    }
    if let branch, try repository.target(of: branch) != nil { work.branch = branch }
    guard work.parked != nil || work.branch != nil else { return nil }
    if known == nil { try refuseLater(than: work, repository) }
    return work
  }

  /// Where no record tells, a branch with a higher number may be a later start's, or that of a worker who is called so.
  private static func refuseLater(than work: SandboxWork, _ repository: borrowing Repository) throws {
    let others = Worktree.all(common: work.place.common).compactMap(\.note).filter { $0.worker != work.worker.text }
    let taken = Set(others.compactMap(\.branch))
    let number = work.branch.flatMap { work.worker.number(ofBranch: $0) } ?? 1
    let later = try repository.references(matching: SandboxName.branchPrefix + work.worker.text + "-*").map(\.name)
      .filter { (work.worker.number(ofBranch: $0) ?? 0) > number && !taken.contains($0) }
    guard let first = later.first else { return }
    let (own, other) = (SandboxVerb.shortBranch(work.branch ?? "what is parked"), SandboxVerb.shortBranch(first))
    throw SandboxError(
      .conflict, "\(work.worker) may be \(own) or \(other), and no record of the worker says which was its last",
      hint: "take \(other) by its own name, TENANT/\(other.dropFirst("looop/".count)), or \(own) with git: both are in "
        + "\(work.place.common)")
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
