import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct SandboxCreationTests {
  @Test func `a later start of a name goes on where the earlier one stopped, and is told`() throws {
    let fixture = try GitFixture()
    func create(_ start: String, _ base: String = "HEAD") -> JSON {
      fixture.verb("create", "w", ["start": .string(start), "base": .string(base)])
    }
    let first = create("one")
    let tree = FilePath(try #require(first["path"]?.string))
    try AtomicFile.write("x\n", to: tree.appending("x"))
    try fixture.commitAll("moved on")
    #expect(first["resumed"] == .null && create("one")["resumed"] == .null, "a retry of the same start")
    let second = create("two", "main")
    #expect(second["from"] == "existing" && Files.exists(tree.appending("x")))
    let words = second["resumed"]?.string ?? ""
    #expect(words.contains("not from main (") && words.hasSuffix("with 1 unsaved change"), "\(words)")
    #expect(create("two")["resumed"] == .null)
    #expect(fixture.verb("remove")["outcome"] == "parked")
  }

  @Test func `git finds nothing to complain about`() throws {
    let fixture = try GitFixture()
    let before = try FileReading.read(fixture.repository.appending(".git/config"))
    let tree = try fixture.create("fix-1")
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
    #expect(try fixture.git(["fsck", "--strict"], in: tree) == "")
    #expect(try fixture.git(["symbolic-ref", "HEAD"], in: tree) == "refs/heads/looop/fix-1\n")
    #expect(try fixture.git(["worktree", "list", "--porcelain"]).contains("locked sandbox of looop worker fix-1"))
    #expect(try fixture.contents(tree) == fixture.contents(fixture.repository))
    #expect(try FileReading.read(fixture.repository.appending(".git/config")) == before)
    try scratchCommit(fixture, tree)
    #expect(try fixture.git(["log", "--oneline", "main..looop/fix-1"]).split(separator: "\n").count == 1)
    try fixture.git(["worktree", "prune"])
    #expect(Worktree.of(tree: tree, common: fixture.repository.appending(".git"))?.isWhole == true)
    #expect(try fixture.debris() == [])
  }

  private func scratchCommit(_ fixture: GitFixture, _ tree: FilePath) throws {
    try AtomicFile.write("new\n", to: tree.appending("new.txt"))
    try fixture.commitAll("work", in: tree)
  }

  @Test func `any committish is a base, and a base can be detached`() throws {
    let fixture = try GitFixture()
    let first = try fixture.head()
    try fixture.git(["tag", "-a", "v1", "-m", "one"])
    try fixture.scratch.write("2\n", to: "source/second.txt")
    try fixture.commitAll("second")
    try fixture.git(["update-ref", "refs/remotes/origin/dev", first])
    for (number, base) in ["v1", "HEAD~1", String(first.prefix(9)), "origin/dev", "main^", ":/first"].enumerated() {
      let made = fixture.verb("create", "b\(number)", ["base": .string(base)])
      #expect(made["base_oid"]?.string == first, "\(base): \(made.compact)")
    }
    let detached = fixture.verb("create", "d", ["detached": true])
    #expect(detached["branch"] == .null)
    #expect(try fixture.head(in: FilePath(#require(detached["path"]?.string))) == fixture.head())
  }

  @Test func `a name can be used again`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try scratchCommit(fixture, tree)
    #expect(fixture.verb("remove")["removed"] == true)
    let second = fixture.verb("create")
    #expect(second["branch"] == "looop/w-2")
    #expect(fixture.verb("create")["from"] == "existing")
    #expect(try fixture.debris() == ["branch refs/heads/looop/w"], "the finished branch keeps its commit")
  }

  @Test func `refusals say what to do`() throws {
    let fixture = try GitFixture()
    #expect(fixture.verb("create", "w", ["base": "nowhere"])["code"] == "not_found")
    #expect(fixture.verb("create", "../x")["code"] == "invalid_request")
    #expect(fixture.verb("create", "w", ["repo_path": .string(fixture.root.string)])["code"] == "not_found")
    #expect(fixture.verb("create", "w", ["free_floor_bytes": .int(1 << 60)])["code"] == "no_space")
    try fixture.git(["branch", "looop"])
    let refused = fixture.verb("create")
    try fixture.git(["branch", "-D", "looop"])
    #expect(refused["code"] == "conflict" && refused["hint"]?.string?.contains("git branch -m") == true)
    #expect(try fixture.debris() == [])
  }

  @Test func `unusual files come out as git writes them`() throws {
    let fixture = try GitFixture()
    try fixture.scratch.write("*.txt text eol=crlf\n*.id ident\n*.bin -text\n", to: "source/.gitattributes")
    try fixture.scratch.write("a\nb\n", to: "source/crlf.txt")
    try fixture.scratch.write("$Id$\n", to: "source/x.id")
    try fixture.scratch.write("a\r\nb\n", to: "source/raw.bin")
    try fixture.scratch.write("q", to: "source/sp ace/üml \"q\"/tab\tname")
    try Files.create([1], at: fixture.repository.appending(bytes: [0x66, 0xff, 0xfe]), mode: 0o644)
    try fixture.commitAll("odd")
    let tree = try fixture.create()
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
    try fixture.git(["worktree", "add", "-q", "--detach", fixture.scratch.appending("by-git").string])
    let (ours, theirs) = (try fixture.contents(tree), try fixture.contents(fixture.scratch.appending("by-git")))
    #expect(ours.filter { theirs[$0.key] != $0.value } == [:])
    #expect(theirs.filter { ours[$0.key] != $0.value } == [:])
  }

  @Test func `a tree made to escape through a link does not`() throws {
    let fixture = try GitFixture()
    let outside = fixture.scratch.appending("outside")
    try Directory.create(outside)
    let link = try RunningProcess.run(
      "/bin/sh",
      [
        "-c",
        "b=$(printf %s '\(outside)' | git hash-object -w --stdin); c=$(echo evil | git hash-object -w --stdin); t=$(printf '100644 blob %s\\tf\\n' $c | git mktree); printf '120000 blob %s\\ta\\n040000 tree %s\\ta\\n' $b $t | git mktree",
      ],
      environment: GitFixture.identity, directory: fixture.repository)
    let commit = try fixture.git(["commit-tree", "-m", "evil", String(link.output.dropLast())])
    _ = fixture.verb("create", "w", ["base": .string(String(commit.dropLast()))])
    #expect(Files.names(outside) == [])
    #expect(try fixture.debris() == [])
  }

  @Test func `setup, includes, ports and a temporary directory`() throws {
    let fixture = try GitFixture()
    try fixture.scratch.write("SECRET=1\n", to: "source/.env")
    try fixture.scratch.write("x\n", to: "source/build/huge.o")
    try fixture.scratch.write(".env\n", to: "source/.worktreeinclude")
    let made = fixture.verb(
      "create", "w", ["setup": "echo $TMPDIR > build.log", "ports": ["first": 24_000, "count": 5]])
    let tree = FilePath(try #require(made["path"]?.string))
    #expect(FileReading.of(tree.appending(".env")).text == "SECRET=1\n")
    #expect(!Files.exists(tree.appending("build")))
    let temporary = try #require(made["env"]?["TMPDIR"]?.string)
    #expect(FileReading.of(tree.appending("build.log")).text == temporary + "\n")
    #expect(made["env"]?["LOOOP_PORT_BASE"] == "24000" && made["env"]?["LOOOP_PORT_COUNT"] == "5")
    #expect(made["env"]?["TMP"]?.string == temporary)
    let chosen = FilePath(
      try #require(fixture.verb("create", "u", ["include": ["build/*.o"]])["path"]?.string))
    #expect(Files.exists(chosen.appending("build/huge.o")) && !Files.exists(chosen.appending(".env")))
    let none = FilePath(try #require(fixture.verb("create", "t", ["include": false])["path"]?.string))
    #expect(!Files.exists(none.appending(".env")))
    let failed = fixture.verb("create", "v", ["setup": "echo no >&2; exit 3"])
    #expect(failed["code"] == "hook_failed" && failed["hint"] == "no\n")
    #expect(!Files.exists(fixture.root.appending("trees/v")))
    #expect(try fixture.debris() == [])
  }
}
