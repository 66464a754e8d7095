import SystemPackage
import Tenant

/// The verbs that look at sandboxes and take them away.
extension SandboxVerb {
  /// `{worker, users?, dry_run?, park?, teardown?, teardown_timeout_s?, ports?, baselines?, sweep?}` →
  /// `{removed, outcome, verdict, reason, reasons, parked, deleted_branch, facts, teardown_error, findings, blocked, baselines, gone}`; `facts`
  /// is null where the repository leads elsewhere than it did.
  static func remove(_ request: SandboxRequest) throws -> JSON {
    let worker = try request.worker()
    let dryRun = request.flag("dry_run")
    // What it runs, the worker may have written.
    let teardownError = try dryRun || AuditScope(request).redirection != nil ? nil : tearDown(request, worker)
    // Then the audit: a repository that was made unusable is put right before anything of ours relies on it.
    let audited = try dryRun ? [:] : audit(request)
    if let drift = try AuditScope(request).redirection { return redirected(drift, audited, teardownError) }
    let place = try RepositoryPlace.of(worker, request)
    var removal = SandboxRemoval(
      layout: place.layout, worker: worker, repositoryName: place.name, common: place.common,
      users: try TreeUsers(request))
    removal.dryRun = dryRun
    removal.parks = request.flag("park", default: true)
    let result = try removal.run()
    // Of the directory that had the worktree only: the other one has refs of the same names. Where that fails just now, the next audit
    // tells what this removal did.
    let own = place.layout.privateRepository(place.name).string
    let baselines = (audited["baselines"]?.array ?? []).map { baseline in
      guard (baseline["directory"]?["path"]?.string == own) == place.isPrivate else { return baseline }
      return (try? RepositoryAudit.amend(baseline, parked: result.parkedRefs, deleted: result.deletedBranch))
        ?? baseline
    }
    var reason = result.sentence
    let serious = (audited["findings"]?.array ?? []).filter { $0["serious"]?.bool == true }
    if !serious.isEmpty {
      let said = serious.map { "\($0["what"]?.string ?? "") (\($0["done"]?.string ?? ""))" }
      reason += "; it changed the repository for everybody: " + said.joined(separator: "; ")
    }
    // The slow half. Whoever waits for the answer asks to do without it and sweeps later.
    if result.removed, !dryRun, request.flag("sweep", default: true) {
      var sweep = SandboxSweep(layout: place.layout, repositories: place.homes.map { (place.name, $0) })
      sweep.fills = false
      sweep.users = try TreeUsers(request)
      if let floor = request.number("free_floor_bytes") { sweep.freeFloor = floor }
      _ = try sweep.run()
    }
    return [
      "removed": .bool(result.removed), "outcome": .string(result.outcome(dryRun: dryRun)),
      "verdict": .string(result.verdict.name), "reasons": list(result.verdict.reasons), "reason": .string(reason),
      "parked": list(result.parkedRefs), "deleted_branch": .optional(result.deletedBranch.map(shortBranch)),
      "facts": result.facts.json, "teardown_error": .optional(teardownError),
      "findings": audited["findings"] ?? [], "blocked": audited["blocked"] ?? false,
      "baselines": .array(baselines), "gone": audited["gone"] ?? [],
    ]
  }

  /// Parked in another repository than the worker's, its work would go with that.
  private static func redirected(_ drift: AuditDrift, _ audited: JSON, _ teardownError: String?) -> JSON {
    let verdict = CollectionVerdict.keep([drift.what])
    return [
      "removed": false, "outcome": "kept", "verdict": .string(verdict.name), "reasons": list(verdict.reasons),
      "reason": .string(drift.what), "parked": [], "deleted_branch": .null, "facts": .null,
      "teardown_error": .optional(teardownError), "findings": audited["findings"] ?? [],
      "blocked": audited["blocked"] ?? false, "baselines": audited["baselines"] ?? [],
      "gone": audited["gone"] ?? [],
    ]
  }

  /// What went wrong, in words: the sandbox goes all the same, but whoever wrote the command must hear of it.
  private static func tearDown(_ request: SandboxRequest, _ worker: SandboxName) throws -> String? {
    let layout = try request.layout()
    let tree = layout.tree(worker)
    guard let teardown = request.text("teardown"), Files.exists(tree) else { return nil }
    do {
      try SandboxHook.run(
        teardown, in: tree, environment: SandboxEnvironment.of(layout, worker, request),
        deadline: request.number("teardown_timeout_s").map(Double.init))
      return nil
    } catch {
      let failure = SandboxError(error)
      return failure.message + (failure.hint.map { ": \($0)" } ?? "")
    }
  }

  /// `{worker, users?}` → `{path, facts, verdict, reasons}`; without a worker what `SandboxListing` takes → `{sandboxes: […]}`.
  static func inspect(_ request: SandboxRequest) throws -> JSON {
    guard request.text("worker") != nil else { return ["sandboxes": .array(try SandboxListing(request).run())] }
    let worker = try request.worker()
    let place = try RepositoryPlace.of(worker, request)
    let tree = place.layout.tree(worker)
    let seen = SandboxInspection(common: place.common, tree: tree, users: try TreeUsers(request)).run()
    let verdict = CollectionVerdict(seen.facts)
    return [
      "path": .string(tree.string), "facts": seen.facts.json, "verdict": .string(verdict.name),
      "reasons": list(verdict.reasons),
    ]
  }

  /// What `SandboxListing` takes → `{sandboxes: [{worker, repo, path, due, verdict, reason, …}]}`, the worktrees only. Changes
  /// nothing: `sandbox prune` then has each that is due removed by itself, so that teardown and audit are done in one place.
  static func due(_ request: SandboxRequest) throws -> JSON {
    ["sandboxes": .array(try SandboxListing(request).trees())]
  }

  /// The regular look: a sweep, then what is there and what it occupies, in one process. What `sweep` and `SandboxListing` take →
  /// what `sweep` answers, and `{sandboxes, total_bytes, broken}`
  static func tend(_ request: SandboxRequest) throws -> JSON {
    var answer = try sweep(request)
    let listing = try SandboxListing(request)
    answer["sandboxes"] = .array(listing.run())
    answer["total_bytes"] = .int(DiskUse.of(listing.layout.root).bytes)
    answer["broken"] = list(listing.broken.values.sorted())
    return answer
  }

  /// `{repos, users?, pool_max?, free_floor_bytes?, disk_max_bytes?, grace_s?, retire?}` → `{recycled, deleted, filled,
  /// undone, restored, skipped, retired, near_quota}`
  static func sweep(_ request: SandboxRequest) throws -> JSON {
    let layout = try request.layout()
    var repositories: [(name: SandboxName, common: FilePath)] = []
    var (retired, skipped): ([String], [String]) = ([], [])
    for place in try RepositoryPlace.reachable(request).places {
      let own = PrivateRepository(layout: layout, name: place.name, source: place.source)
      do {
        if request.flag("retire"), try own.retireIfUnused() { retired.append(place.name.text) }
      } catch {
        skipped.append("\(place.name): \(SandboxError(error).message)")
      }
      // The private one first: a tenant that has one makes its sandboxes there.
      repositories += place.homes.reversed().map { (place.name, $0) }
    }
    var sweep = SandboxSweep(layout: layout, repositories: repositories)
    sweep.users = try TreeUsers(request)
    if let maximum = request.number("pool_max") { sweep.policy.maximum = Int(max(0, min(64, maximum))) }
    if let floor = request.number("free_floor_bytes") { sweep.freeFloor = floor }
    if let grace = request.number("grace_s") { sweep.grace = grace }
    if let limit = request.number("disk_max_bytes") {
      sweep.isNearQuota = SandboxQuota.isNear(DiskUse.of(layout.root).bytes, limit: limit)
    }
    let result = try sweep.run()
    return [
      "recycled": .int(Int64(result.recycled)), "deleted": .int(Int64(result.deleted)),
      "filled": .int(Int64(result.filled)), "undone": list(result.undone), "restored": list(result.restored),
      "skipped": list(skipped + result.skipped),
      "retired": list(retired), "near_quota": .bool(sweep.isNearQuota),
    ]
  }
}
