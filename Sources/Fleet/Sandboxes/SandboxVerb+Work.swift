import SystemPackage
import Tenant

/// The verbs that bring a sandbox's work somewhere, or look at a repository.
extension SandboxVerb {
  /// `{worker, ref?}` → what `create` answers. `ref` defaults to `refs/looop/parked/WORKER`.
  static func restore(_ request: SandboxRequest) throws -> JSON {
    let worker = try request.worker()
    let place = try RepositoryPlace.of(worker, request)
    let creation = SandboxCreation(
      layout: place.layout, worker: worker, repositoryName: place.name, common: place.common, source: place.common,
      base: "HEAD")
    let ref = request.text("ref") ?? SandboxName.parkedPrefix + worker.text
    guard ref.hasPrefix(SandboxName.parkedPrefix) else {
      throw SandboxError(.invalidRequest, "\(ref) is not below \(SandboxName.parkedPrefix)")
    }
    if Files.exists(place.layout.tree(worker)) {
      throw SandboxError(
        .exists, "\(worker) has a sandbox already", hint: "remove it first, or restore as another worker")
    }
    let made = try SandboxRestoring(creation: creation, ref: ref).run()
    return [
      "path": .string(made.path.string), "branch": .optional(made.branch.map(shortBranch)),
      "base_oid": .string(made.base.hex), "from": .string("parked"), "ref": .string(ref),
      "admin_dir": .string(made.worktree.directory.string),
    ]
  }

  /// `{worker, max_bytes?}` → `{base_oid, tip, commits: [{oid, summary}], files, insertions, deletions, patch, cut, unsaved}`
  static func diff(_ request: SandboxRequest) throws -> JSON {
    let (place, worktree, branch) = try sandbox(request)
    let repository = try Repository(opening: place.common, bare: true)
    guard
      let tip = try worktree.map({
        try Repository(opening: place.layout.tree(SandboxName($0.note?.worker ?? ""))).head().commit
      })
        ?? repository.target(of: branch)
    else { throw SandboxError(.notFound, "\(shortBranch(branch)) has no commit") }
    var base = tip
    if let noted = worktree?.note?.base {
      base = try repository.mergeBase(noted, tip) ?? noted
    } else {
      let others = try repository.references(matching: "refs/heads/*").filter {
        !$0.name.hasPrefix(SandboxName.branchPrefix)
      }
      let own = try repository.commits(from: [tip], notIn: others.map(\.target))
      if let first = own.last { base = try repository.parents(of: first).first ?? first }
    }
    let limit = Int(request.number("max_bytes") ?? 1 << 20)
    var unsaved = 0
    let summary: Repository.DiffSummary
    if let worktree, worktree.isWhole, let tree = worktree.tree {
      let open = try Repository(opening: tree)
      unsaved = try open.status().count
      summary = try open.diff(from: base, limit: limit)
    } else {
      summary = try repository.diff(from: base, to: tip, limit: limit)
    }
    let commits = try repository.summaries(try repository.commits(from: [tip], notIn: [base], limit: 200))
    return [
      "branch": .string(shortBranch(branch)), "base_oid": .string(base.hex), "tip": .string(tip.hex),
      "commits": .array(commits.map { ["oid": .string($0.hex), "summary": .string($1)] }),
      "files": .int(Int64(summary.files)), "insertions": .int(Int64(summary.insertions)),
      "deletions": .int(Int64(summary.deletions)), "patch": .string(summary.patch), "cut": .bool(summary.isCut),
      "unsaved": .int(Int64(unsaved)),
    ]
  }

  /// `{worker, into?, branch?}` → `{tip, moved, already, unsaved}`
  static func land(_ request: SandboxRequest) throws -> JSON {
    let (place, worktree, branch) = try sandbox(request)
    let landing = SandboxLanding(
      common: place.common, source: place.source, worker: try request.worker(), branch: branch,
      into: request.text("into").map(shortBranch))
    let landed = try landing.run()
    var unsaved = 0
    if let tree = worktree?.tree, worktree?.isWhole == true { unsaved = try Repository(opening: tree).status().count }
    return [
      "branch": .string(shortBranch(branch)), "tip": .string(landed.tip.hex), "moved": list(landed.moved),
      "already": .bool(landed.already), "unsaved": .int(Int64(unsaved)),
    ]
  }

  /// The sandbox's repository, its worktree if there still is one, and its branch in full.
  private static func sandbox(_ request: SandboxRequest) throws -> (RepositoryPlace, Worktree?, String) {
    let worker = try request.worker()
    let place = try RepositoryPlace.of(worker, request)
    let worktree = Worktree.all(common: place.common).first {
      $0.note?.worker == worker.text && $0.note?.tree == place.layout.tree(worker)
    }
    let named = request.text("branch").map { "refs/heads/" + shortBranch($0) }
    let branch = named ?? worktree?.note?.branch ?? SandboxName.branchPrefix + worker.text
    return (place, worktree, branch)
  }

  /// `{repo_path, base?}` → `{usable, findings: [{name, level: "note"|"refused", means}]}`
  static func preflight(_ request: SandboxRequest) throws -> JSON {
    var probe = PreflightProbe(path: try request.path("repo_path"))
    if let base = request.text("base") { probe.base = base }
    let findings = PreflightFinding.all(probe.run())
    return [
      "usable": .bool(!findings.contains { $0.level == .refused }), "findings": .array(findings.map(\.json)),
    ]
  }

  /// `{worker, baseline?, repair?}` → `{findings: [{what, done, worker}], blocked, baseline}`
  static func audit(_ request: SandboxRequest) throws -> JSON {
    let worker = try request.worker()
    let layout = try request.layout()
    try layout.prepare()
    let name = try request.repositoryName()
    // Not through libgit2: what was done to the repository may be that it no longer opens.
    let own = layout.privateRepository(name)
    let source = PreflightProbe.gitDirectory(try request.path("repo_path"))
    var audit = RepositoryAudit(
      layout: layout, repositoryName: name,
      common: request.flag("private") && Files.exists(own) ? own : source.lexicallyNormalized(), worker: worker)
    audit.repairs = request.flag("repair", default: true)
    let result = try audit.run(baseline: request.document["baseline"].flatMap(AuditSnapshot.init(json:)))
    return [
      "findings": .array(result.findings.map(\.json)), "worker": .string(worker.text),
      "blocked": .bool(result.isBlocked), "baseline": result.baseline.json,
    ]
  }
}
