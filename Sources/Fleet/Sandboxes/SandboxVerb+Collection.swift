import SystemPackage
import Tenant

/// The verbs that look at sandboxes and take them away.
extension SandboxVerb {
  /// `{worker, dry_run?, park?, teardown?, teardown_timeout_s?}` → `{removed, verdict, reasons, parked, deleted_branch, facts}`
  static func remove(_ request: SandboxRequest) throws -> JSON {
    let worker = try request.worker()
    let place = try RepositoryPlace.of(worker, request)
    var removal = SandboxRemoval(
      layout: place.layout, worker: worker, repositoryName: place.name, common: place.common)
    removal.dryRun = request.flag("dry_run")
    removal.parks = request.flag("park", default: true)
    var teardownError: String?
    let tree = place.layout.tree(worker)
    if let teardown = request.text("teardown"), !removal.dryRun, Files.exists(tree) {
      do {
        try SandboxHook.run(
          teardown, in: tree, environment: ["TMPDIR": place.layout.temporary(worker).string],
          deadline: request.number("teardown_timeout_s").map(Double.init))
      } catch {
        // The sandbox goes all the same; whoever wrote the command must hear of it.
        teardownError = SandboxError(error).message
      }
    }
    let result = try removal.run()
    var reason = result.sentence
    var answer: JSON = [
      "removed": .bool(result.removed), "outcome": .string(result.outcome(dryRun: removal.dryRun)),
      "verdict": .string(result.verdict.name), "reasons": list(result.verdict.reasons),
      "parked": list(result.parkedRefs),
      "deleted_branch": .optional(result.deletedBranch.map(shortBranch)), "facts": result.facts.json,
      "teardown_error": .optional(teardownError), "audit": [],
    ]
    if !removal.dryRun, request.flag("audit", default: true) {
      let audit = RepositoryAudit(
        layout: place.layout, repositoryName: place.name, common: place.common, worker: worker)
      let findings = try audit.run(baseline: request.document["baseline"].flatMap(AuditSnapshot.init(json:)))
      answer["audit"] = .array(findings.findings.map(\.json))
      answer["blocked"] = .bool(findings.isBlocked)
      let acted = findings.findings.filter { $0.drift.action != .report }
      if !acted.isEmpty {
        reason += "; it changed the repository for everybody: " + acted.map(\.sentence).joined(separator: "; ")
      }
    }
    answer["reason"] = .string(reason)
    // The slow half. Whoever waits for the answer asks to do without it and sweeps later.
    if result.removed, !removal.dryRun, request.flag("sweep", default: true) {
      var sweep = SandboxSweep(layout: place.layout, repositories: place.homes.map { (place.name, $0) })
      sweep.fills = false
      if let floor = request.number("free_floor_bytes") { sweep.freeFloor = floor }
      _ = try sweep.run()
    }
    return answer
  }

  /// `{worker}` → `{path, facts, verdict, reasons}`; without a worker `{repos, live}` → `{sandboxes: […]}`. Changes nothing.
  static func inspect(_ request: SandboxRequest) throws -> JSON {
    guard request.text("worker") != nil else {
      return ["sandboxes": .array(try SandboxListing(layout: try request.layout(), request: request).run())]
    }
    let worker = try request.worker()
    let place = try RepositoryPlace.of(worker, request)
    let tree = place.layout.tree(worker)
    let seen = SandboxInspection(common: place.common, tree: tree).run()
    let verdict = CollectionVerdict(seen.facts)
    return [
      "path": .string(tree.string), "facts": seen.facts.json, "verdict": .string(verdict.name),
      "reasons": list(verdict.reasons),
    ]
  }

  /// `{repos, live: [id], workers?: [{id, live, outcome?, ended_at?}], keep_s?: {default, completed, failed, unknown},
  /// dry_run?}` → `{sandboxes: [{worker, path, outcome, reason, verdict, reasons, removed, parked}]}`
  static func prune(_ request: SandboxRequest) throws -> JSON {
    var workers: [String: SandboxPruning.Worker] = [:]
    for item in request.document["workers"]?.array ?? [] {
      guard let id = item["id"]?.string else { continue }
      workers[id] = SandboxPruning.Worker(
        isLive: item["live"]?.bool ?? true, outcome: item["outcome"]?.string ?? "default",
        endedAt: item["ended_at"]?.int)
    }
    for id in request.texts("live") { workers[id] = SandboxPruning.Worker(isLive: true, outcome: "default") }
    let pruning = SandboxPruning(
      layout: try request.layout(), request: request, workers: workers,
      keep: (request.document["keep_s"]?.object ?? [:]).compactMapValues(\.int), dryRun: request.flag("dry_run"))
    let rows = pruning.run()
    if !pruning.dryRun, request.flag("sweep", default: true) { _ = try sweep(request) }
    return ["sandboxes": .array(rows)]
  }

  /// `{repos, pool_max?, free_floor_bytes?, grace_s?}` → `{recycled, deleted, filled, undone, skipped}`
  static func sweep(_ request: SandboxRequest) throws -> JSON {
    let layout = try request.layout()
    var repositories: [(name: SandboxName, common: FilePath)] = []
    var retired: [String] = []
    for place in try RepositoryPlace.all(request) {
      let own = PrivateRepository(layout: layout, name: place.name, source: place.source)
      if request.flag("retire"), try own.retireIfUnused() { retired.append(place.name.text) }
      // The private one first: a tenant that has one makes its sandboxes there.
      repositories += place.homes.reversed().map { (place.name, $0) }
    }
    var sweep = SandboxSweep(layout: layout, repositories: repositories)
    if let maximum = request.number("pool_max") { sweep.policy.maximum = Int(max(0, min(64, maximum))) }
    if let floor = request.number("free_floor_bytes") { sweep.freeFloor = floor }
    if let grace = request.number("grace_s") { sweep.grace = grace }
    let result = try sweep.run()
    return [
      "recycled": .int(Int64(result.recycled)), "deleted": .int(Int64(result.deleted)),
      "filled": .int(Int64(result.filled)), "undone": list(result.undone), "skipped": list(result.skipped),
      "retired": list(retired),
    ]
  }

  /// `{worker}` → `{ref, commit, files}`; the worktree stays as it is.
  static func park(_ request: SandboxRequest) throws -> JSON {
    let worker = try request.worker()
    let place = try RepositoryPlace.of(worker, request)
    let tree = place.layout.tree(worker)
    let seen = SandboxInspection(common: place.common, tree: tree).run()
    guard seen.facts.state == .whole, let worktree = seen.worktree else {
      throw SandboxError(.kept, CollectionVerdict(seen.facts).reasons.joined(separator: "; "))
    }
    let parked = try Parking(common: place.common, worktree: worktree, tree: tree, worker: worker).run(seen)
    return ["ref": .string(parked.ref), "commit": .string(parked.commit.hex), "files": .int(Int64(parked.files))]
  }

  /// `{repo_name, repo_path}` → `{parked: [{ref, commit, worker, branch, parked_at, reasons, files}]}`
  static func parked(_ request: SandboxRequest) throws -> JSON {
    let place = try RepositoryPlace(request)
    var found: [JSON] = []
    for common in place.homes {
      let repository = try Repository(opening: common, bare: true)
      for reference in try repository.references(matching: SandboxName.parkedPrefix + "*") {
        let work = try? ParkedWork.read(reference.target, in: repository)?.work
        found.append([
          "ref": .string(reference.name), "commit": .string(reference.target.hex), "common_dir": .string(common.string),
          "worker": .optional(work?.worker), "branch": .optional(work?.branch.map(shortBranch)),
          "parked_at": .optional(work?.parkedAt), "reasons": list(work?.reasons ?? ["commits on no branch"]),
          "files": .int(Int64(work?.files.count ?? 0)),
        ])
      }
    }
    return ["parked": .array(found)]
  }
}
