import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// The index that a checkout writes without libgit2, beside the one that git writes.
@Suite struct IndexDraftTests {
  /// All that is unusual in one repository, made by hand: no package here has it all.
  static func furnish(_ fixture: GitFixture) throws {
    let source = fixture.repository
    try fixture.scratch.write("*.txt text eol=crlf\n*.id ident\n", to: "source/.gitattributes")
    try fixture.scratch.write("*.raw -text\n", to: "source/deep/.gitattributes")
    try fixture.scratch.write("a\nb\n", to: "source/deep/er/crlf.txt")
    try fixture.scratch.write("a\r\nb\n", to: "source/deep/raw.raw")
    try fixture.scratch.write("$Id$\n", to: "source/x.id")
    try fixture.scratch.write("", to: "source/empty")
    try fixture.scratch.write("#!/bin/sh\n", to: "source/deep/er/run", mode: 0o755)
    // Names around a directory's: git's order is that of whole paths.
    for name in ["deep-", "deep.txt", "deep0", "deeper"] { try fixture.scratch.write(name, to: "source/\(name)") }
    try fixture.scratch.write("q", to: "source/sp ace/üml \"q\"/tab\tname\nline")
    try Files.create([1], at: source.appending(bytes: [0x66, 0xff, 0xfe]), mode: 0o644)
    let long = (0..<20).map { _ in String(repeating: "n", count: 200) }.joined(separator: "/")
    try fixture.scratch.write("long", to: "source/\(long.prefix(3000))")
    #expect(symlink("../nowhere", source.appending("deep/link").string) == 0)
    #expect(symlink("deep", source.appending("directory").string) == 0)
    try fixture.commitAll("odd")
  }

  /// What git keeps of each entry that does not depend on when and where it was written.
  private static func entries(_ fixture: GitFixture, _ tree: FilePath) throws -> [String] {
    try fixture.git(["ls-files", "--stage", "--debug", "-z"], in: tree).split(separator: "\n").map(String.init)
      .filter { !$0.contains("time: ") }
      .map { $0.contains("  dev: ") ? "" : $0 }
  }

  @Test func `git finds in it what it would have written itself`() throws {
    let fixture = try GitFixture(files: 700)
    try Self.furnish(fixture)
    let tree = try fixture.create()
    let theirs = fixture.scratch.appending("by-git")
    try fixture.git(["worktree", "add", "-q", "--detach", theirs.string])
    let (own, expected) = (try Self.entries(fixture, tree), try Self.entries(fixture, theirs))
    #expect(own.count > 2000 && own == expected, "\(zip(own, expected).first { $0 != $1 } ?? ("", ""))")
    #expect(try fixture.git(["status", "--porcelain", "--ignored"], in: tree) == "")
    // Nothing had to be read again: all that git compares is right. Its own look would have written it anew.
    let index = fixture.repository.appending(".git/worktrees/w/index")
    let written = try FileReading.read(index)
    #expect(try fixture.git(["diff-files"], in: tree) == "")
    #expect(try fixture.git(["fsck", "--no-dangling"], in: tree) == "")
    #expect(try fixture.git(["write-tree"], in: tree) == fixture.git(["rev-parse", "HEAD^{tree}"], in: tree))
    #expect(try Index(at: index).count == 700 + 3 + 16, "libgit2 checks its digest")
    #expect(written.count > 60_000)
  }

  @Test func `a change in the moment of its making is seen`() throws {
    let fixture = try GitFixture(files: 40)
    for round in 0..<10 {
      let tree = try fixture.create("w\(round)")
      // As long as before, and written at once: only the time of the index tells that the entry may be too old.
      try Files.write("LINE one of 0\nline two\n", to: tree.appending("dir0/sub/file0.txt"))
      #expect(try fixture.git(["status", "--porcelain"], in: tree) == " M dir0/sub/file0.txt\n")
      let index = try #require(Files.status(fixture.repository.appending(".git/worktrees/w\(round)/index")))
      let file = try #require(Files.status(tree.appending("dir1/sub/file1.txt")))
      #expect(LateChanges.stamp(index.st_mtim) >= LateChanges.stamp(file.st_mtim))
    }
  }

  /// Trees that no git makes: what is in them, each a line of `git ls-tree`'s kind, names as `printf` reads them.
  private static let hostile = [
    ".git", ".GIT", "..", "a/b", "git~1", "b 100644 a", "a 100644 a",
  ]

  @Test(arguments: hostile) func `a tree made by hand is refused, and leaves nothing`(_ names: String) throws {
    let fixture = try GitFixture()
    let blob = try fixture.head("HEAD:run.sh")
    let raw = (0..<20).map { number in
      "\\x" + blob.dropFirst(number * 2).prefix(2)
    }.joined()
    let entries = names.split(separator: " 100644 ").map { "100644 \($0)\\0\(raw)" }.joined()
    let made = try RunningProcess.run(
      "/bin/bash", ["-c", "printf '\(entries)' | git hash-object -t tree -w --literally --stdin"],
      environment: GitFixture.identity, directory: fixture.repository)
    #expect(made.exitCode == 0, "\(made.errors)")
    let commit = try fixture.git(["commit-tree", "-m", "evil", String(made.output.dropLast())])
    let answer = fixture.verb("create", "w", ["base": .string(String(commit.dropLast()))])
    #expect(answer["ok"] == false, "\(answer.compact)")
    #expect(try fixture.debris() == [])
  }

  @Test func `a tree without files costs git nothing but its own look`() throws {
    let fixture = try GitFixture()
    let script = """
      e=$(git mktree </dev/null); d=$(printf '040000 tree %s\\te\\n' $e | git mktree)
      { git ls-tree HEAD; printf '040000 tree %s\\tnothing\\n' $d; } | git mktree
      """
    let tree = try RunningProcess.run(
      "/bin/bash", ["-c", script], environment: GitFixture.identity, directory: fixture.repository)
    let commit = String(
      try fixture.git(["commit-tree", "-m", "empty", String(tree.output.dropLast())]).dropLast())
    let sandbox = try fixture.create("w", ["base": .string(commit)])
    #expect(try fixture.git(["fsck", "--no-dangling"], in: sandbox) == "")
    // Git itself leaves such a tree out of what it would commit.
    #expect(try fixture.git(["write-tree"], in: sandbox) == fixture.git(["rev-parse", "HEAD^{tree}"]))
  }
}
