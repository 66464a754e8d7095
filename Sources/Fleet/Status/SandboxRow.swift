package import Tenant

/// One worktree that the fleet keeps for a worker: `sandboxes --json`.
package struct SandboxRow: Hashable, Sendable {
  package var tenant: String
  /// nil for a warm one that nobody uses yet.
  package var worker: String?
  package var repo: String
  package var path: String
  package var branch: String?
  /// `in_use`, `kept`, `warm`, `parked`, `quarantined`; `unknown` where the tenant's could not be looked at.
  package var state: String
  /// Why it is kept.
  package var reason: String?
  package var bytes: Int64?
  package var createdAt: Int64?

  package init(
    tenant: String, worker: String?, repo: String, path: String, branch: String?, state: String, reason: String?,
    bytes: Int64?, createdAt: Int64?
  ) {
    self.tenant = tenant
    self.worker = worker
    self.repo = repo
    self.path = path
    self.branch = branch
    self.state = state
    self.reason = reason
    self.bytes = bytes
    self.createdAt = createdAt
  }

  package var json: JSON {
    [
      "tenant": .string(tenant), "worker": .optional(worker), "repo": .string(repo), "path": .string(path),
      "branch": .optional(branch), "state": .string(state), "reason": .optional(reason), "bytes": .optional(bytes),
      "created_at": .optional(createdAt),
    ]
  }
}

extension SandboxRow {
  /// What is warm, parked or quarantined is nobody's place to work.
  package var isWorktree: Bool { state == "in_use" || state == "kept" }

  /// From the helper's row.
  init?(_ json: JSON, tenant: String) {
    guard let path = json["path"]?.string else { return nil }
    self.init(
      tenant: tenant, worker: json["worker"]?.string, repo: json["repo"]?.string ?? "", path: path,
      branch: json["branch"]?.string, state: json["state"]?.string ?? "kept", reason: json["reason"]?.string,
      bytes: json["bytes"]?.int, createdAt: json["created_at"]?.int)
  }
}

/// What a collection did, or would do, with one worktree: `sandbox prune --json`.
package struct PruneRow: Hashable, Sendable {
  package var tenant: String
  package var worker: String?
  package var path: String
  /// `removed`, `parked`, `kept`, `failed`; with `--dry-run` what would become of it.
  package var outcome: String
  package var reason: String

  package init(tenant: String, worker: String?, path: String, outcome: String, reason: String) {
    self.tenant = tenant
    self.worker = worker
    self.path = path
    self.outcome = outcome
    self.reason = reason
  }

  package var json: JSON {
    [
      "tenant": .string(tenant), "worker": .optional(worker), "path": .string(path), "outcome": .string(outcome),
      "reason": .string(reason),
    ]
  }
}

extension PruneRow {
  /// From the helper's verdict: what would become of it.
  init?(verdict json: JSON, tenant: String) {
    guard let path = json["path"]?.string else { return nil }
    let outcome =
      switch json["verdict"]?.string {
      case "remove", "finish": "removed"
      case "park": "parked"
      default: "kept"
      }
    self.init(
      tenant: tenant, worker: json["worker"]?.string, path: path, outcome: outcome,
      reason: json["reason"]?.string ?? "")
  }
}
