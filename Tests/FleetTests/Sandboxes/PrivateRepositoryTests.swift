import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct PrivateRepositoryTests {
  @Test func `refs, stash, configuration and hooks are apart`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create("w", ["private": true])
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
    try AtomicFile.write("stash me\n", to: tree.appending("dir0/sub/file0.txt"))
    try fixture.git(["stash"], in: tree)
    try fixture.git(["config", "core.hooksPath", "/nowhere"], in: tree)
    try fixture.git(["branch", "mine"], in: tree)
    #expect(try fixture.git(["stash", "list"]) == "")
    #expect(try fixture.git(["config", "--get", "core.hooksPath"], mayFail: true) == "")
    let refs = try fixture.git(["for-each-ref", "--format=%(refname)"]).split(separator: "\n")
    #expect(refs.allSatisfy { $0 == "refs/heads/main" || $0.hasPrefix("refs/looop/borrowed/") })
    #expect(DiskUse.of(fixture.root.appending("repos")).bytes < 2 << 20)
  }

  /// A worker on a branch that is gone from the source since.
  private static func onDeletedBranch() throws -> (fixture: GitFixture, tree: FilePath) {
    let fixture = try GitFixture()
    try fixture.git(["checkout", "-q", "-b", "dev"])
    try fixture.scratch.write("dev\n", to: "source/dev.txt")
    try fixture.commitAll("dev")
    let tree = try fixture.create("w", ["private": true, "base": "dev"])
    try fixture.git(["checkout", "-q", "main"])
    try fixture.git(["branch", "-D", "dev"])
    return (fixture, tree)
  }

  @Test func `pruning the source takes nothing away`() throws {
    let (fixture, tree) = try Self.onDeletedBranch()
    try fixture.git(["reflog", "expire", "--expire=now", "--all"])
    try fixture.git(["repack", "-a", "-d", "-q"])
    try fixture.git(["prune", "--expire=now"])
    #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree)).contains("missing"))
    #expect(try fixture.git(["log", "--oneline", "-1"], in: tree).contains("dev"))
    // The branch that the source dropped is dropped here too, the worker's stays.
    #expect(fixture.verb("create", "v", ["private": true])["ok"] == true)
    #expect(
      try fixture.git(["branch", "-r"], in: tree).split(separator: "\n").map { $0.drop { $0 == " " } } == [
        "source/main"
      ])
  }

  /// What the source has only by chance is not stored again by git, and goes with the source's next `gc`.
  @Test(arguments: ["commit", "park"]) func `what stood in the source on no ref is not lost with it`(
    _ how: String
  ) throws {
    let fixture = try GitFixture()
    let rare = fixture.scratch.appending("rare")
    try AtomicFile.write("rare contents\n", to: rare)
    try fixture.git(["hash-object", "-w", rare.string])
    let tree = try fixture.create("w", ["private": true])
    try AtomicFile.write("rare contents\n", to: tree.appending("r"))
    if how == "commit" {
      try fixture.commitAll("rare", in: tree)
      try fixture.create("v", ["private": true])
      // Not even with git's own housekeeping, which leaves out what can be borrowed.
      try fixture.git(["gc", "-q", "--prune=now"], in: tree)
    } else {
      #expect(fixture.verb("remove", "w", ["private": true])["outcome"] == "parked")
    }
    try fixture.git(["gc", "-q", "--prune=now"])
    if how == "park" { #expect(fixture.verb("restore", "w", ["private": true])["ok"] == true) }
    #expect(FileReading.of(tree.appending("r")).text == "rare contents\n")
    #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree, mayFail: true)).contains("missing"))
    #expect(try fixture.git(["rev-list", "--objects", "--all"], in: tree).contains(" r\n"))
  }

  /// Work of every kind that is nowhere else, while its source forgets all that it was begun from.
  @Test func `unlanded work outlives a source that was rewritten, repacked and pruned`() throws {
    let (fixture, tree) = try Self.onDeletedBranch()
    let parked = try fixture.create("p", ["private": true, "base": .string(fixture.head("HEAD", in: tree))])
    for (place, name) in [(tree, "w"), (parked, "p")] {
      try AtomicFile.write("committed by \(name)\n", to: place.appending("mine"))
      try fixture.commitAll("by \(name)", in: place)
      try AtomicFile.write("unsaved\n", to: place.appending("dev.txt"))
      try AtomicFile.write("new\n", to: place.appending("new"))
    }
    try fixture.git(["stash"], in: tree)
    try AtomicFile.write("staged\n", to: tree.appending("staged"))
    try fixture.git(["add", "staged"], in: tree)
    let (own, theirs) = (try fixture.contents(tree), try fixture.contents(parked))
    #expect(fixture.verb("remove", "p", ["private": true])["outcome"] == "parked")
    // The source's history is another now, in one commit; nothing of the old is on a branch.
    try fixture.git(["checkout", "-q", "--orphan", "anew"])
    try fixture.commitAll("anew")
    try fixture.git(["branch", "-D", "main"])
    try fixture.git(["branch", "-m", "main"])
    for command in ["repack -a -d -q", "prune --expire=now", "gc -q --prune=now"] {
      try fixture.git(["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"])
      try fixture.git(command.split(separator: " ").map(String.init))
      #expect(try fixture.git(["fsck", "--full", "--no-dangling"], in: tree).isEmpty, "\(command)")
      #expect(try fixture.git(["fsck", "--full", "--no-dangling"]).isEmpty, "\(command)")
    }
    try fixture.create("next", ["private": true])
    #expect(try fixture.contents(tree) == own)
    #expect(try fixture.git(["stash", "show", "-p"], in: tree).contains("+unsaved"))
    #expect(try fixture.git(["log", "--format=%s"], in: tree) == "by w\ndev\nfirst\n")
    #expect(fixture.verb("restore", "p", ["private": true])["ok"] == true)
    #expect(try fixture.contents(parked) == theirs)
    #expect(fixture.verb("diff", "w", ["private": true])["ok"] == true)
    try fixture.git(["fetch", "-q", tree.string, "HEAD:kept"])
    #expect(try fixture.git(["show", "kept:mine"]) == "committed by w\n")
  }

  /// Without end, as what `git gc --prune=now` does at some bad moment. Not its expiry of reflogs, which changes the worktree's own: that
  /// one is looked at again then, or kept.
  @Test(arguments: [true, false]) func `sandboxes are made, parked and restored while the source is pruned`(
    _ isPrivate: Bool
  ) throws {
    let fixture = try GitFixture()
    // Before: git's own commits are lost to it as well.
    for number in 0..<6 {
      try fixture.commitAll("source \(number)")
      try fixture.git(["branch", "b\(number)"])
    }
    let keeper = try RunningProcess(
      "/bin/sh",
      [
        "-c",
        "while [ ! -e ../stop ]; do git repack -a -d -q && git prune --expire=now && echo round || exit 1; done",
      ],
      environment: GitFixture.identity, directory: fixture.repository)
    let more: [String: JSON] = ["private": .bool(isPrivate)]
    for number in 0..<6 {
      let worker = "w\(number)"
      // A pack that goes while it is read may refuse one; whoever asks again gets it.
      var made = JSON.null
      #expect(
        eventually(within: 10) {
          made = fixture.verb("create", worker, more.merging(["base": .string("b\(number)")]) { own, _ in own })
          return made["ok"] == true
        }, "\(made.compact)")
      let tree = fixture.root.appending("trees/\(worker)")
      try AtomicFile.write("unsaved \(number)\n", to: tree.appending("unsaved"))
      try AtomicFile.write("changed \(number)\n", to: tree.appending("run.sh"))
      let contents = try fixture.contents(tree)
      let removed = fixture.verb("remove", worker, more)
      #expect(removed["outcome"] == "parked", "\(removed.compact)")
      let rounds = keeper.output.count
      #expect(eventually(within: 20) { keeper.output.count > rounds + 6 }, "\(keeper.errors)")
      let restored = fixture.verb("restore", worker, more)
      #expect(restored["ok"] == true, "\(restored.compact)")
      #expect(try fixture.contents(tree) == contents)
    }
    try AtomicFile.write("", to: fixture.scratch.appending("stop"))
    #expect(keeper.wait() == .code(0), "\(keeper.errors)")
    for place in [fixture.repository, fixture.root.appending("trees/w0")] {
      #expect(try fixture.git(["fsck", "--full", "--no-dangling"], in: place).isEmpty)
    }
  }

  @Test func `a borrowed ref that was deleted takes nothing with it`() throws {
    let (fixture, tree) = try Self.onDeletedBranch()
    for ref in try fixture.git(["for-each-ref", "--format=%(refname)", "refs/looop/borrowed"]).split(separator: "\n") {
      try fixture.git(["update-ref", "-d", String(ref)])
    }
    try fixture.create("v", ["private": true])
    try fixture.git(["reflog", "expire", "--expire=now", "--all"])
    try fixture.git(["gc", "-q", "--prune=now"])
    #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree, mayFail: true)).contains("missing"))
    #expect(try fixture.git(["show", "HEAD:dev.txt"], in: tree) == "dev\n")
  }

  @Test func `annotated tags come along, and stay`() throws {
    let fixture = try GitFixture()
    try fixture.git(["tag", "-a", "-m", "first", "v1"])
    let tree = try fixture.create("w", ["private": true])
    #expect(try fixture.git(["describe"], in: tree) == "v1\n")
    try fixture.git(["tag", "-d", "v1"])
    try fixture.git(["gc", "-q", "--prune=now"])
    try fixture.create("v", ["private": true])
    #expect(try fixture.git(["describe"], in: tree) == "v1\n")
    #expect(try fixture.git(["cat-file", "-t", "v1"], in: tree) == "tag\n")
  }

  @Test func `the source's news arrive`() throws {
    let fixture = try GitFixture()
    try fixture.create("w", ["private": true])
    try fixture.scratch.write("new\n", to: "source/new.txt")
    try fixture.commitAll("new")
    let tree = try fixture.create("v", ["private": true])
    #expect(Files.exists(tree.appending("new.txt")))
    #expect(try fixture.git(["rev-parse", "source/main"], in: tree) == fixture.git(["rev-parse", "main"]))
  }

  @Test func `a branch comes home by fast-forward, or not at all`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create("w", ["private": true])
    try AtomicFile.write("work\n", to: tree.appending("work.txt"))
    try fixture.commitAll("work", in: tree)
    let shown = fixture.verb("diff")
    #expect(shown["patch"]?.string?.contains("+work") == true && shown["insertions"] == 1)
    #expect(shown["commits"]?.array?.first?["summary"] == "work")
    try AtomicFile.write("in the way\n", to: fixture.repository.appending("run.sh"))
    #expect(fixture.verb("land", "w", ["into": "main"])["code"] == "conflict", "uncommitted changes in the checkout")
    try fixture.git(["checkout", "-q", "."])
    let landed = fixture.verb("land", "w", ["into": "main"])
    #expect(landed["ok"] == true, "\(landed.compact)")
    #expect(landed["moved"]?.array?.contains("main") == true)
    #expect(try fixture.git(["status", "--porcelain"]) == "")
    #expect(FileReading.of(fixture.repository.appending("work.txt")).text == "work\n")
    #expect(!(try fixture.git(["fsck", "--no-dangling"])).contains("missing"))
    #expect(fixture.verb("land", "w", ["into": "main"])["already"] == true)
    try fixture.scratch.write("theirs\n", to: "source/theirs.txt")
    try fixture.commitAll("theirs")
    try AtomicFile.write("more\n", to: tree.appending("more.txt"))
    try fixture.commitAll("more", in: tree)
    let before = try fixture.head("main")
    let refused = fixture.verb("land", "w", ["into": "main"])
    #expect(refused["code"] == "conflict" && refused["hint"]?.string?.contains("git rebase source/main") == true)
    #expect(try fixture.head("main") == before)
  }

  @Test func `unsaved work is parked in the private one`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create("w", ["private": true])
    try AtomicFile.write("x\n", to: tree.appending("x"))
    let contents = try fixture.contents(tree)
    #expect(fixture.verb("remove")["outcome"] == "parked")
    #expect(fixture.verb("restore", "w", ["private": true])["ok"] == true)
    #expect(try fixture.contents(tree) == contents)
    #expect(try fixture.git(["for-each-ref", "refs/looop/parked"]) == "")
  }

  @Test func `one that nobody needs gives back what it borrowed`() throws {
    let fixture = try GitFixture()
    try fixture.create("w", ["private": true])
    #expect(fixture.verb("sweep", "x", ["retire": true])["retired"] == [])
    #expect(fixture.verb("remove")["outcome"] == "removed")
    #expect(fixture.verb("sweep", "x", ["retire": true])["retired"] == ["web"])
    #expect(try fixture.git(["for-each-ref", "refs/looop"]) == "")
    #expect(!Files.exists(fixture.root.appending("repos/web.git")))
  }
}
