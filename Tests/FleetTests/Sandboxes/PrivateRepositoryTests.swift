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
