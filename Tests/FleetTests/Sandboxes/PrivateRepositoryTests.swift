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

  @Test func `pruning the source takes nothing away`() throws {
    let fixture = try GitFixture()
    try fixture.git(["checkout", "-q", "-b", "dev"])
    try fixture.scratch.write("dev\n", to: "source/dev.txt")
    try fixture.commitAll("dev")
    let tree = try fixture.create("w", ["private": true, "base": "dev"])
    try fixture.git(["checkout", "-q", "main"])
    try fixture.git(["branch", "-D", "dev"])
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
