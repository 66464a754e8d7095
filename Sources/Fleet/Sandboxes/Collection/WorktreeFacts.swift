import Tenant

/// What is known of a worker's worktree when its collection is decided: plain values, so that the decision is a table.
struct WorktreeFacts: Hashable, Sendable {
  enum State: Hashable, Sendable {
    /// Tree and registration are there and fit together.
    case whole
    /// Registered, but its tree is gone: what a cut-off creation or removal leaves.
    case withoutTree
    /// A tree that no registration claims.
    case unregistered
    /// Something about it cannot be read; nothing can be promised about its contents.
    case unreadable(String)
  }

  enum Head: Hashable, Sendable {
    /// How many commits the branch has that nothing else holds.
    case branch(String, ownCommits: Int)
    case detached(lonely: Bool)
    case unborn(String)
  }

  var state = State.whole
  var head = Head.detached(lonely: false)
  var staged = 0
  var modified = 0
  var deleted = 0
  var untracked = 0
  var conflicted = 0
  /// Changed files that `git status` was told not to show.
  var hidden = 0
  /// Commits that only this worktree's HEAD or reflog leads to.
  var lonelyCommits = 0
  /// A merge, rebase, … under way.
  var operation: String?
  /// Repositories inside with work of their own: a ref cannot hold them.
  var nestedRepositories: [String] = []
  /// Why not all of the tree was searched for such.
  var unsearched: String?
  /// Submodules with changes or commits of their own: a ref of this repository cannot hold them.
  var submodulesAtRisk: [String] = []
  /// Ignored files that stand by themselves and that the sandbox was not given.
  var ignored = 0
  /// Ignored directories and large ignored files, which go with the tree.
  var ignoredLeft: [String] = []
  /// Files that are neither files, links nor directories, or that cannot be read.
  var unstorable: [String] = []
  /// Processes that work in it.
  var users: [String] = []
  /// A lock that is not ours.
  var foreignLock: String?
  /// Stash entries of the repository; they stay where they are.
  var stashes = 0
}

extension WorktreeFacts {
  var json: JSON {
    func list(_ items: [String]) -> JSON { .array(items.map(JSON.string)) }
    func count(_ number: Int) -> JSON { .int(Int64(number)) }
    let (stateName, why): (String, String?) =
      switch state {
      case .whole: ("whole", nil)
      case .withoutTree: ("without_tree", nil)
      case .unregistered: ("unregistered", nil)
      case .unreadable(let why): ("unreadable", why)
      }
    var json: JSON = [
      "state": .string(stateName), "why": .optional(why), "staged": count(staged), "modified": count(modified),
      "deleted": count(deleted), "untracked": count(untracked), "conflicted": count(conflicted),
      "hidden": count(hidden), "lonely_commits": count(lonelyCommits), "operation": .optional(operation),
      "nested_repositories": list(nestedRepositories), "unsearched": .optional(unsearched),
      "submodules_at_risk": list(submodulesAtRisk),
      "ignored": count(ignored), "ignored_left": list(ignoredLeft),
      "unstorable": list(unstorable), "users": list(users), "foreign_lock": .optional(foreignLock),
      "stashes": count(stashes), "branch": .null, "own_commits": .null,
    ]
    if case .branch(let name, let own) = head {
      json["branch"] = .string(name)
      json["own_commits"] = count(own)
    }
    return json
  }
}
