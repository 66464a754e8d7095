import SystemPackage
package import Tenant

/// The hidden verbs of `looop-fleet _sandbox`: each runs in a helper process, as the tenant's user, and answers one request
/// document with one result document. The supervisor itself never opens a repository.
package enum SandboxVerb {
  package static func run(_ verb: String, request document: JSON) -> JSON {
    let request = SandboxRequest(document)
    let started = HostClock.system.monotonic()
    do {
      var answer = try dispatch(verb, request)
      answer["ok"] = answer["ok"] ?? true
      answer["duration_ms"] = .double(((HostClock.system.monotonic() - started) * 100_000).rounded() / 100)
      return answer
    } catch {
      return SandboxError(error).json
    }
  }

  private static func dispatch(_ verb: String, _ request: SandboxRequest) throws -> JSON {
    switch verb {
    case "create": try create(request)
    case "remove": try remove(request)
    case "inspect": try inspect(request)
    default: throw SandboxError(.invalidRequest, "there is no sandbox verb \(verb)")
    }
  }

  private static func create(_ request: SandboxRequest) throws -> JSON {
    let place = try RepositoryPlace(request)
    let creation = SandboxCreation(
      layout: place.layout, worker: try request.worker(), repositoryName: place.name, common: place.common,
      source: place.source, base: request.text("base") ?? "HEAD", detached: request.flag("detached"))
    let made = try creation.run()
    return [
      "path": .string(made.path.string), "branch": .optional(made.branch.map(shortBranch)),
      "base_oid": .string(made.base.hex),
      "from": .string(made.origin), "common_dir": .string(made.worktree.common.string),
      "admin_dir": .string(made.worktree.directory.string),
    ]
  }

  private static func remove(_ request: SandboxRequest) throws -> JSON {
    let place = try RepositoryPlace(request)
    var removal = SandboxRemoval(
      layout: place.layout, worker: try request.worker(), repositoryName: place.name, common: place.common)
    removal.dryRun = request.flag("dry_run")
    removal.parks = request.flag("park", default: true)
    let result = try removal.run()
    return [
      "removed": .bool(result.removed), "verdict": .string(result.verdict.name),
      "reasons": .array(result.verdict.reasons.map(JSON.string)),
      "parked": .array(result.parkedRefs.map(JSON.string)),
      "deleted_branch": .optional(result.deletedBranch.map(shortBranch)), "facts": result.facts.json,
    ]
  }

  private static func inspect(_ request: SandboxRequest) throws -> JSON {
    let place = try RepositoryPlace(request)
    let tree = place.layout.tree(try request.worker())
    let seen = SandboxInspection(common: place.common, tree: tree).run()
    let verdict = CollectionVerdict(seen.facts)
    return [
      "path": .string(tree.string), "facts": seen.facts.json, "verdict": .string(verdict.name),
      "reasons": .array(verdict.reasons.map(JSON.string)),
    ]
  }

  static func shortBranch(_ name: String) -> String {
    name.hasPrefix("refs/heads/") ? String(name.dropFirst("refs/heads/".count)) : name
  }
}
