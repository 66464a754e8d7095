import Testing

@testable import Fleet

@Suite struct CollectionVerdictTests {
  private static func facts(_ change: (inout WorktreeFacts) -> Void) -> WorktreeFacts {
    var facts = WorktreeFacts(head: .branch("looop/w", ownCommits: 0))
    change(&facts)
    return facts
  }

  static let table: [(String, WorktreeFacts, String)] = [
    ("clean", facts { _ in }, "remove"),
    ("unpushed commits stay on their branch", facts { $0.head = .branch("looop/w", ownCommits: 3) }, "remove"),
    ("detached, reachable", facts { $0.head = .detached(lonely: false) }, "remove"),
    ("detached, lonely", facts { $0.head = .detached(lonely: true) }, "park"),
    ("commits in the reflog only", facts { $0.lonelyCommits = 2 }, "park"),
    ("staged", facts { $0.staged = 1 }, "park"), ("modified", facts { $0.modified = 1 }, "park"),
    ("deleted", facts { $0.deleted = 1 }, "park"), ("untracked", facts { $0.untracked = 1 }, "park"),
    ("conflicted", facts { $0.conflicted = 1 }, "park"), ("mid-rebase", facts { $0.operation = "rebase" }, "park"),
    ("hidden from status", facts { $0.hidden = 1 }, "park"),
    ("a stash is the repository's", facts { $0.stashes = 4 }, "remove"),
    ("an ignored file of its own", facts { $0.ignored = 1 }, "park"),
    ("ignored directories only", facts { $0.ignoredLeft = ["build/"] }, "remove"),
    ("in use", facts { $0.users = ["process 1 (sh)"] }, "keep"),
    (
      "in use and dirty",
      facts {
        $0.users = ["process 1 (sh)"]; $0.modified = 1
      }, "keep"
    ),
    ("locked by somebody", facts { $0.foreignLock = "on a stick" }, "keep"),
    ("nested repository", facts { $0.nestedRepositories = ["vendor/x/"] }, "keep"),
    ("submodule with work", facts { $0.submodulesAtRisk = ["lib"] }, "keep"),
    (
      "a socket",
      facts {
        $0.untracked = 1; $0.unstorable = ["s"]
      }, "keep"
    ),
    ("tree gone", facts { $0.state = .withoutTree }, "finish"),
    ("unknown tree", facts { $0.state = .unregistered }, "keep"),
    ("unreadable, though it looks clean", facts { $0.state = .unreadable("HEAD is broken") }, "keep"),
  ]

  @Test(arguments: table) func `each state has one verdict`(_ row: (String, WorktreeFacts, String)) {
    let verdict = CollectionVerdict(row.1)
    #expect(verdict.name == row.2, "\(row.0)")
    #expect(!verdict.reasons.isEmpty && verdict.reasons.allSatisfy { !$0.isEmpty })
  }

  /// Whatever else is true: with unsaved work or a reason to keep, a tree is never removed as it is.
  @Test func `no combination of facts removes unsaved work`() {
    for bits in 0..<(1 << 8) {
      let facts = Self.facts { facts in
        if bits & 1 != 0 { facts.staged = 1 }
        if bits & 2 != 0 { facts.modified = 1 }
        if bits & 4 != 0 { facts.untracked = 1 }
        if bits & 8 != 0 { facts.conflicted = 1 }
        if bits & 16 != 0 { facts.operation = "merge" }
        if bits & 32 != 0 { facts.lonelyCommits = 1 }
        if bits & 64 != 0 { facts.users = ["process 7 (vi)"] }
        if bits & 128 != 0 { facts.nestedRepositories = ["x/"] }
      }
      let expected = bits == 0 ? "remove" : bits & 0b1100_0000 != 0 ? "keep" : "park"
      #expect(CollectionVerdict(facts).name == expected)
    }
  }
}
