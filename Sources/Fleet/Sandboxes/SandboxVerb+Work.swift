import Glibc
import SystemPackage
import Tenant

/// The verbs that bring a sandbox's work somewhere, or look at a repository before there is any.
extension SandboxVerb {
  /// `{worker, as?, by?}` → what `create` answers, and `ref`. `worker` names the parked ref, `as` the sandbox it is restored to.
  static func restore(_ request: SandboxRequest) throws -> JSON {
    let parked = try request.worker()
    let worker = try request.text("as").map { try SandboxName($0) } ?? parked
    let ref = SandboxName.parkedPrefix + parked.text
    let (places, broken) = try RepositoryPlace.candidates(parked, request)
    // A repository that cannot be opened has nothing to restore; the refusal names those that could not be looked into.
    let holding = places.first { (try? Repository(opening: $0.common, bare: true).target(of: ref)) != nil }
    guard let place = holding else {
      throw SandboxError(
        .notFound, (["there is no parked work of \(parked)"] + broken).joined(separator: "; "),
        hint: "list them: looop-fleet sandboxes")
    }
    var creation = SandboxCreation(
      layout: place.layout, worker: worker, repositoryName: place.name, common: place.common, source: place.common,
      base: "HEAD")
    // A lock that is not a worker's: no collection takes it from the person who wanted to look.
    let by = request.text("by").map { " by \($0)" } ?? ""
    creation.lockReason = "\(SandboxRestoring.lockReason)\(by) (git worktree unlock gives it back)"
    if Files.exists(place.layout.tree(worker)) {
      throw SandboxError(
        .exists, "\(worker) has a sandbox already", hint: "restore it under another name: --as NAME")
    }
    let made = try SandboxRestoring(creation: creation, ref: ref).run()
    try Directory.create(place.layout.temporary(worker), mode: 0o700)
    return [
      "path": .string(made.path.string), "branch": .optional(made.branch.map(shortBranch)),
      "base_oid": .string(made.base.hex), "from": .string("parked"), "ref": .string(ref),
      "worker": .string(worker.text),
      "admin_dir": .string(made.worktree.directory.string), "repo": .string(place.name.text),
    ]
  }

  /// `{worker, last?, max_bytes?}` → `{state, base_oid, tip, commits: [{oid, summary}], files, insertions, deletions, patch, cut,
  /// unsaved, command}`: of the worktree as it stands, else of the parked work, else of the branch. `command` prints all of a patch that was
  /// cut.
  static func diff(_ request: SandboxRequest) throws -> JSON {
    try SandboxWork.with(request) { try diff(of: $0, request) }
  }

  private static func diff(of work: SandboxWork, _ request: SandboxRequest) throws -> JSON {
    let repository = try Repository(opening: work.place.common, bare: true)
    let limit = Int(max(0, min(request.number("max_bytes") ?? 1 << 20, 8 << 20)))
    let tip = try work.commit()
    let base = try work.base(of: tip, in: repository)
    var unsaved = 0
    let summary: Repository.DiffSummary
    let command: String
    if let tree = work.tree {
      let open = try Repository(opening: tree)
      unsaved = try open.status().count
      summary = try open.diff(from: base, limit: limit)
      command = diffCommand(tree, base)
      // Of a tree that was moved aside in the midst of it all files would be missing.
      guard Files.exists(tree) else { throw SandboxError(.busy, "the sandbox of \(work.worker) is being given back") }
    } else if let parked = work.parked {
      unsaved = parked.unsaved
      summary = try repository.diff(from: base, to: parked.commit, limit: limit)
      command = diffCommand(work.place.common, base, parked.commit)
    } else {
      summary = try repository.diff(from: base, to: tip, limit: limit)
      command = diffCommand(work.place.common, base, tip)
    }
    let commits = try repository.summaries(try repository.commits(from: [tip], notIn: [base], limit: 200))
    return [
      "state": .string(work.state), "repo": .string(work.place.name.text),
      "branch": .optional(work.branch.map(shortBranch)), "base_oid": .string(base.hex), "tip": .string(tip.hex),
      "commits": .array(commits.map { ["oid": .string($0.hex), "summary": .string($1)] }),
      "files": .int(Int64(summary.files)), "insertions": .int(Int64(summary.insertions)),
      "deletions": .int(Int64(summary.deletions)), "patch": .string(summary.patch), "cut": .bool(summary.isCut),
      "unsaved": .int(Int64(unsaved)), "command": .string(command),
    ]
  }

  /// New files that git does not know yet are in none of its own answers.
  private static func diffCommand(_ place: FilePath, _ commits: ObjectID...) -> String {
    (["git -C", place.string.shellWord, "diff"] + commits.map { String($0.hex.prefix(10)) }).joined(separator: " ")
  }

  /// `{worker, last?, into?, dry_run?}` → `{branch, into, tip, commits, moved, already, unsaved}`. Without `into` the branch that the
  /// source's HEAD is on.
  static func land(_ request: SandboxRequest) throws -> JSON {
    try SandboxWork.with(request) { try land($0, request) }
  }

  private static func land(_ work: SandboxWork, _ request: SandboxRequest) throws -> JSON {
    let tip = try work.commit()
    let landing = SandboxLanding(
      common: work.place.common, source: work.place.source, worker: try request.worker(), branch: work.branch,
      tip: tip, into: try request.text("into").map(shortBranch) ?? SandboxLanding.headBranch(of: work.place.source),
      dryRun: request.flag("dry_run"))
    let landed = try landing.run()
    // It has landed: that its tree goes just now must not turn the answer into a refusal.
    let unsaved = work.tree.flatMap { try? Repository(opening: $0).status().count } ?? work.parked?.unsaved ?? 0
    return [
      "repo": .string(work.place.name.text), "branch": .optional(work.branch.map(shortBranch)),
      "into": .string(landing.into), "tip": .string(tip.hex), "moved": list(landed.moved),
      "commits": .array(landed.commits.map { ["oid": .string($0.0.hex), "summary": .string($0.1)] }),
      "already": .bool(landed.already), "unsaved": .int(Int64(unsaved)), "dry_run": .bool(landing.dryRun),
    ]
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
}
