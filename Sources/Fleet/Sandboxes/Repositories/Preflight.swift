import Tenant

/// What a look at a repository found, as plain values.
struct PreflightFacts: Hashable, Sendable {
  var isRepository = true
  var isOwned = true
  var isWritable = true
  var hasCommit = true
  var isShallow = false
  var objectFormat = "sha1"
  /// `extensions.*` that the repository relies on, in lower case.
  var extensions: Set<String> = []
  var isPartial = false
  var hasSubmodules = false
  /// Filter names that the base's attributes use.
  var filters: Set<String> = []
  /// Filters whose program the user or the system configured, not the repository.
  var trustedFilters: Set<String> = []
  var reencodes = false
  var isSparse = false
  /// Remotes whose fetching writes over all branches here, and with `--prune` deletes those that the remote does not have.
  var mirrors: [String] = []
  var hasBranchNamedLooop = false
  /// Settings of the repository that name programs.
  var programs: [String] = []
  var openError: String?
  var tools: Set<String> = []
}

/// One thing that the user should know before workers get sandboxes of a repository.
struct PreflightFinding: Hashable, Sendable {
  enum Level: String, Sendable { case fine, note, refused }
  var name: String
  var level: Level
  /// What it means, and what to do.
  var means: String

  var json: JSON { ["name": .string(name), "level": .string(level.rawValue), "means": .string(means)] }

  /// Decides what the facts mean. Empty: nothing to say.
  static func all(_ facts: PreflightFacts) -> [PreflightFinding] {
    guard facts.isRepository else { return [refuse("repository", "this is no git repository")] }
    var found: [PreflightFinding] = []
    if !facts.isOwned {
      found.append(
        refuse(
          "ownership",
          "it belongs to another user; as the tenant's user, if you trust it: git config --global --add safe.directory PATH"
        ))
    }
    found += formats(facts)
    if let error = facts.openError, found.isEmpty { found.append(refuse("open", error)) }
    if !facts.isWritable {
      found.append(
        note("writable", "the tenant cannot write to it: sandboxes get a private copy, and landing is refused"))
    }
    if !facts.hasCommit {
      found.append(refuse("commit", "it has no such commit to start from: make the first one, or name another base"))
    }
    if facts.hasBranchNamedLooop {
      found.append(refuse("branch", "a branch named looop is in the way of looop/WORKER: git branch -m looop NEW"))
    }
    found += contents(facts)
    if facts.isShallow {
      found.append(note("shallow", "its history is cut off: sandboxes work, merges across the cut do not"))
    }
    if let remote = facts.mirrors.first {
      let spare = ["^refs/heads/looop/*", "^refs/looop/*"].map { "git config --add remote.\(remote).fetch '\($0)'" }
      found.append(
        note(
          "mirror",
          "it mirrors \(remote): `git fetch --prune` there deletes workers' branches and parked work; spare them: \(spare.joined(separator: "; "))"
        ))
    }
    if facts.isSparse {
      found.append(note("sparse", "its own checkout is sparse; sandboxes have all files"))
    }
    if !facts.programs.isEmpty {
      found.append(
        note(
          "programs",
          "its configuration names programs (\(facts.programs.joined(separator: ", "))): making a sandbox runs none of them, the worker's own git does"
        ))
    }
    return found
  }

  /// What libgit2 cannot open.
  private static func formats(_ facts: PreflightFacts) -> [PreflightFinding] {
    var found: [PreflightFinding] = []
    if facts.objectFormat != "sha1" {
      found.append(refuse("object_format", "its objects are named by \(facts.objectFormat); only sha1 works"))
    }
    if facts.extensions.contains("refstorage") {
      found.append(refuse("ref_storage", "its refs are not plain files; convert: git refs migrate --ref-format=files"))
    }
    if facts.extensions.contains("relativeworktrees") {
      found.append(
        refuse(
          "relative_worktrees",
          "it uses relative worktree paths; turn off: git config --unset extensions.relativeWorktrees"))
    }
    if facts.isPartial {
      found.append(
        refuse(
          "partial_clone", "it is a partial clone, whose missing files only git itself can fetch: git clone it in full")
      )
    }
    let known: Set<String> = [
      "noop", "worktreeconfig", "objectformat", "refstorage", "relativeworktrees", "partialclone",
    ]
    for name in facts.extensions.subtracting(known).sorted() {
      found.append(refuse("extension", "it needs the extension \(name), which libgit2 does not know"))
    }
    return found
  }

  private static func contents(_ facts: PreflightFacts) -> [PreflightFinding] {
    var found: [PreflightFinding] = []
    for filter in facts.filters.sorted() {
      if filter == "lfs" {
        found.append(
          facts.tools.contains("git-lfs")
            ? note(
              "lfs", "large files are filled in by git-lfs after checkout, as the tenant")
            : refuse("lfs", "its large files need git-lfs, which is not installed: files would be pointers"))
      } else if !facts.trustedFilters.contains(filter) {
        found.append(
          refuse(
            "filter",
            "files pass the filter \(filter), whose program no user or system configuration names alone: git config --global filter.\(filter).smudge …, and nothing of it in the repository's own"
          ))
      } else {
        found.append(
          note("filter", "files pass the filter \(filter) after checkout, as the tenant"))
      }
    }
    if facts.reencodes {
      found.append(
        facts.tools.contains("git")
          ? note("encoding", "files with working-tree-encoding are converted by git after checkout")
          : refuse("encoding", "files with working-tree-encoding need git, which is not installed"))
    }
    if facts.hasSubmodules {
      found.append(
        facts.tools.contains("git")
          ? note(
            "submodules", "submodules are filled in by git after checkout, in a private repository of the tenant's")
          : refuse("submodules", "its submodules need git, which is not installed: they would be empty"))
    }
    return found
  }

  private static func note(_ name: String, _ means: String) -> PreflightFinding {
    PreflightFinding(name: name, level: .note, means: means)
  }

  private static func refuse(_ name: String, _ means: String) -> PreflightFinding {
    PreflightFinding(name: name, level: .refused, means: means)
  }
}
