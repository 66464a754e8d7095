package import Tenant

/// What a worker did, beside what it began from: `sandbox diff --json`.
/// Shape: `{tenant,worker,repo,state,branch,base_oid,tip,commits:[{oid,summary}],files,insertions,deletions,unsaved,patch,cut,command}`.
package struct SandboxDiff: Hashable, Sendable {
  package struct Commit: Hashable, Sendable {
    package var oid: String
    package var summary: String

    package init(oid: String, summary: String) {
      self.oid = oid
      self.summary = summary
    }

    var json: JSON { ["oid": .string(oid), "summary": .string(summary)] }
  }

  package var tenant: String
  package var worker: String
  package var repo: String
  /// Where the work is: `worktree`, `parked`, `branch`.
  package var state: String
  package var branch: String?
  package var base: String
  package var tip: String
  /// Newest first, at most 200.
  package var commits: [Commit]
  package var files: Int64
  package var insertions: Int64
  package var deletions: Int64
  /// Files that differ from the last commit.
  package var unsaved: Int64
  package var patch: String
  /// The patch was longer than what is shown of it.
  package var isCut: Bool
  /// What prints all of it.
  package var command: String?

  package init?(json: JSON, tenant: String, worker: String) {
    guard let base = json["base_oid"]?.string, let tip = json["tip"]?.string else { return nil }
    self.tenant = tenant
    self.worker = worker
    repo = json["repo"]?.string ?? ""
    state = json["state"]?.string ?? "worktree"
    branch = json["branch"]?.string
    self.base = base
    self.tip = tip
    commits = Self.commits(json)
    files = json["files"]?.int ?? 0
    insertions = json["insertions"]?.int ?? 0
    deletions = json["deletions"]?.int ?? 0
    unsaved = json["unsaved"]?.int ?? 0
    patch = json["patch"]?.string ?? ""
    isCut = json["cut"]?.bool ?? false
    command = json["command"]?.string
  }

  static func commits(_ json: JSON) -> [Commit] {
    (json["commits"]?.array ?? []).compactMap { commit in
      commit["oid"]?.string.map { Commit(oid: $0, summary: commit["summary"]?.string ?? "") }
    }
  }

  package var json: JSON {
    [
      "tenant": .string(tenant), "worker": .string(worker), "repo": .string(repo), "state": .string(state),
      "branch": .optional(branch), "base_oid": .string(base), "tip": .string(tip),
      "commits": .array(commits.map(\.json)), "files": .int(files), "insertions": .int(insertions),
      "deletions": .int(deletions), "unsaved": .int(unsaved), "patch": .string(patch), "cut": .bool(isCut),
      "command": .optional(command),
    ]
  }
}
