import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Each verdict of the preflight against a repository that git itself made so.
@Suite struct PreflightProbeTests {
  /// What is done to a repository in `copy` beside `source`, what is said of it, and whether sandboxes are refused.
  static let cases: [(String, String, Bool)] = [
    ("git clone -q source copy", "", false),
    ("git clone -q --depth 1 file://$PWD/source copy", "shallow", false),
    (
      "git -C source config uploadpack.allowFilter true; git clone -q --filter=blob:none --no-checkout file://$PWD/source copy",
      "partial_clone", true
    ),
    (
      "git init -q --object-format=sha256 copy; cd copy; echo x > x; git add x; git commit -qm x", "object_format", true
    ),
    ("git clone -q source copy; git -C copy sparse-checkout set dir0", "sparse", false),
    (
      "git clone -q source copy; cd copy; git config core.repositoryformatversion 1; git config extensions.refStorage reftable",
      "ref_storage", true
    ),
    (
      "git clone -q source copy; cd copy; git config core.repositoryformatversion 1; git config extensions.relativeWorktrees true",
      "relative_worktrees", true
    ),
    (
      "git clone -q source copy; cd copy; git config core.repositoryformatversion 1; git config extensions.brandNew true",
      "extension", true
    ),
    ("git init -q copy", "commit", true), ("mkdir copy", "repository", true),
    ("git clone -q source copy; git -C copy branch looop", "branch", true),
    ("git clone -q --mirror source copy", "mirror", false),
    (
      "git clone -q --mirror source copy; git -C copy config --add remote.origin.fetch '^refs/heads/looop/*'; git -C copy config --add remote.origin.fetch '^refs/looop/*'",
      "", false
    ),
    ("git clone -q source copy; git -C copy config core.fsmonitor /bin/false", "programs", false),
    (
      "git clone -q source copy; cd copy; echo '*.x filter=crypt' > .gitattributes; git add -A; git commit -qm x",
      "filter",
      true
    ),
    (
      "git clone -q source copy; cd copy; echo '*.t working-tree-encoding=UTF-16' > .gitattributes; git add -A; git commit -qm x",
      "encoding", false
    ),
  ]

  @Test(arguments: cases) func `git's own repositories get the verdict that fits`(_ row: (String, String, Bool)) throws
  {
    let fixture = try GitFixture(files: 5)
    let place = fixture.scratch.path
    let made = try RunningProcess.run("/bin/sh", ["-ec", row.0], environment: GitFixture.identity, directory: place)
    #expect(made.exitCode == 0, "\(made.errors)")
    let copy = JSON.string(place.appending("copy").string)
    let told = fixture.verb("preflight", "w", ["repo_path": copy])
    let findings = told["findings"]?.array ?? []
    #expect(findings.isEmpty == row.1.isEmpty, "\(told.compact)")
    if !row.1.isEmpty { #expect(findings.contains { $0["name"]?.string == row.1 }, "\(told.compact)") }
    #expect(told["usable"]?.bool == !row.2)
    // What the preflight says is what a creation meets.
    let answer = fixture.verb("create", "w", ["repo_path": copy])
    #expect(answer["ok"]?.bool == !row.2, "\(answer.compact)")
    if row.2 {
      #expect(answer["message"]?.string?.isEmpty == false)
      #expect(!Files.exists(fixture.root.appending("trees/w")))
    } else {
      let tree = FilePath(try #require(answer["path"]?.string))
      #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
      #expect(Files.exists(tree.appending("dir0/sub/file0.txt")))
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to give a repository to somebody else"))
  func `somebody else's repository is refused`() throws {
    let fixture = try GitFixture(files: 2)
    let given = try RunningProcess.run("/bin/chown", ["-R", "65534:65534", fixture.repository.string])
    #expect(given.exitCode == 0)
    let told = fixture.verb("preflight")
    #expect(
      told["findings"]?.array?.contains { $0["name"] == "ownership" } == true && told["usable"] == false,
      "\(told.compact)")
    let refused = fixture.verb("create")
    #expect(
      refused["code"] == "foreign_owner" && refused["hint"]?.string?.contains("safe.directory") == true,
      "\(refused.compact)")
  }
}
