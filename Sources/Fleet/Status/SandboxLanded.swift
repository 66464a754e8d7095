package import Tenant

/// What came home: `sandbox land --json`.
/// Shape: `{tenant,worker,repo,branch,into,tip,commits:[{oid,summary}],already,unsaved,dry_run}`.
package struct SandboxLanded: Hashable, Sendable {
  package var tenant: String
  package var worker: String
  package var repo: String
  package var branch: String?
  /// The source's branch that was moved.
  package var into: String
  package var tip: String
  /// What it gained, newest first, at most 200.
  package var commits: [SandboxDiff.Commit]
  /// There was nothing to bring.
  package var already: Bool
  /// Files that no commit has, and that were not landed.
  package var unsaved: Int64
  package var isDryRun: Bool

  package init?(json: JSON, tenant: String, worker: String) {
    guard let into = json["into"]?.string, let tip = json["tip"]?.string else { return nil }
    self.tenant = tenant
    self.worker = worker
    repo = json["repo"]?.string ?? ""
    branch = json["branch"]?.string
    self.into = into
    self.tip = tip
    commits = SandboxDiff.commits(json)
    already = json["already"]?.bool ?? false
    unsaved = json["unsaved"]?.int ?? 0
    isDryRun = json["dry_run"]?.bool ?? false
  }

  package var json: JSON {
    [
      "tenant": .string(tenant), "worker": .string(worker), "repo": .string(repo), "branch": .optional(branch),
      "into": .string(into), "tip": .string(tip), "commits": .array(commits.map(\.json)), "already": .bool(already),
      "unsaved": .int(unsaved), "dry_run": .bool(isDryRun),
    ]
  }
}
