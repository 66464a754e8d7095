/// What to do with a worker's worktree that nobody asked to keep. Removal is offered only where nothing can be lost.
enum CollectionVerdict: Hashable, Sendable {
  /// Nothing in it is unsaved. The reason says what saved it.
  case remove(String)
  /// There is unsaved work: first onto a ref, then remove.
  case park([String])
  /// It must stay as it is, for these reasons.
  case keep([String])
  /// No tree any more: only the registration is left to tidy up.
  case finish(String)

  var name: String {
    switch self {
    case .remove: "remove"
    case .park: "park"
    case .keep: "keep"
    case .finish: "finish"
    }
  }

  var reasons: [String] {
    switch self {
    case .remove(let reason), .finish(let reason): [reason]
    case .park(let reasons), .keep(let reasons): reasons
    }
  }

  /// Decides. What speaks for keeping beats what can be parked; what can be parked beats removal.
  init(_ facts: WorktreeFacts) {
    switch facts.state {
    case .withoutTree:
      self = .finish("its tree is gone: what is registered is left over from a creation or removal that was cut off")
    case .unregistered:
      self = .keep(["no repository knows this tree, so its changes cannot be told from its files"])
    case .unreadable(let why):
      self = .keep([why])
    case .whole:
      let obstacles = Self.obstacles(facts)
      let unsaved = Self.unsaved(facts)
      if !obstacles.isEmpty {
        self = .keep(obstacles)
      } else if !unsaved.isEmpty {
        self = .park(unsaved + Self.lost(facts))
      } else {
        self = .remove(([Self.saved(facts)] + Self.lost(facts)).joined(separator: "; "))
      }
    }
  }

  private static func obstacles(_ facts: WorktreeFacts) -> [String] {
    var reasons: [String] = []
    if !facts.users.isEmpty { reasons.append("in use by \(list(facts.users))") }
    if let lock = facts.foreignLock { reasons.append(lock.isEmpty ? "locked by somebody" : "locked: \(lock)") }
    if !facts.nestedRepositories.isEmpty {
      reasons.append("holds a repository of its own at \(list(facts.nestedRepositories)), which no ref can hold")
    }
    if let why = facts.unsearched { reasons.append(why) }
    if !facts.submodulesAtRisk.isEmpty {
      reasons.append("unsaved work in submodule \(list(facts.submodulesAtRisk))")
    }
    if !facts.unstorable.isEmpty { reasons.append("holds what git cannot store: \(list(facts.unstorable))") }
    return reasons
  }

  private static func unsaved(_ facts: WorktreeFacts) -> [String] {
    var reasons: [String] = []
    if let operation = facts.operation { reasons.append("\(operation) in progress") }
    if facts.conflicted > 0 { reasons.append(count(facts.conflicted, "conflicted file")) }
    if facts.staged > 0 { reasons.append(count(facts.staged, "staged change")) }
    if facts.modified > 0 { reasons.append(count(facts.modified, "modified file")) }
    if facts.deleted > 0 { reasons.append(count(facts.deleted, "deleted file")) }
    if facts.untracked > 0 { reasons.append(count(facts.untracked, "untracked file")) }
    if facts.hidden > 0 { reasons.append(count(facts.hidden, "change") + " that git was told not to show") }
    if facts.lonelyCommits > 0 { reasons.append(count(facts.lonelyCommits, "commit") + " on no branch") }
    if facts.ignored > 0 { reasons.append(count(facts.ignored, "ignored file")) }
    if case .detached(lonely: true) = facts.head, facts.lonelyCommits == 0 { reasons.append("a commit on no branch") }
    return reasons
  }

  /// What is not kept, so that nobody is surprised.
  private static func lost(_ facts: WorktreeFacts) -> [String] {
    facts.ignoredLeft.isEmpty ? [] : ["what git ignores goes with it: \(list(facts.ignoredLeft))"]
  }

  private static func saved(_ facts: WorktreeFacts) -> String {
    switch facts.head {
    case .branch(let name, let own) where own > 0:
      "clean; its \(count(own, "commit")) stay\(own == 1 ? "s" : "") on branch \(name)"
    case .branch(let name, _): "clean; branch \(name) has no commit of its own"
    case .detached: "clean; its commit is on a branch"
    case .unborn(let name): "clean; branch \(name) has no commit"
    }
  }

  private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  private static func list(_ items: [String]) -> String {
    items.prefix(3).joined(separator: ", ") + (items.count > 3 ? " and \(items.count - 3) more" : "")
  }
}
