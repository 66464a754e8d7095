import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// A worker that turns its worktree, or its registration, against whoever collects it: nothing runs, nothing outside is
/// touched, nothing is lost.
@Suite struct SandboxTamperTests {
  /// Anybody may make such a ref; what is restored from it is the work, and not another registration than its own.
  @Test func `a parked ref that somebody made brings no configuration with it`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try AtomicFile.write("x\n", to: tree.appending("x"))
    #expect(fixture.verb("remove")["outcome"] == "parked")
    let forged = try RunningProcess.run(
      "/bin/bash",
      [
        "-ec",
        """
        ref=refs/looop/parked/w; export GIT_INDEX_FILE=$PWD/.git/forged; git read-tree $ref^2
        evil=$(echo /elsewhere | git hash-object -w --stdin)
        for name in commondir config.worktree gitdir locked looop.pending; do git update-index --add --cacheinfo 100644,$evil,admin/$name; done
        details=$(git commit-tree -m forged $(git write-tree))
        git update-ref $ref $(git commit-tree -m forged -p $ref^1 -p $details $ref^{tree}); rm $GIT_INDEX_FILE
        """,
      ], environment: GitFixture.identity, directory: fixture.repository)
    #expect(forged.exitCode == 0, "\(forged.errors)")
    let restored = fixture.verb("restore")
    #expect(restored["ok"] == true, "\(restored.compact)")
    let admin = FilePath(try #require(restored["admin_dir"]?.string))
    #expect(
      Files.line(admin.appending("commondir")) == "../.."
        && Worktree.of(tree: tree, common: fixture.repository.appending(".git"))?.isWhole == true)
    #expect(!Files.exists(admin.appending("config.worktree")) && !Files.exists(admin.appending("looop.pending")))
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == "?? x\n")
  }

  /// What it does in its tree (`$A` its admin directory, `$C` the shared one), and what becomes of the tree.
  static let rows: [(String, String)] = [
    ("echo $OUT/.git > $A/gitdir", "kept"),
    (
      "echo x > x; cp -r $C $OUT/git; echo $OUT/git > $A/commondir; git -C $OUT/git config core.fsmonitor 'touch $EVIL'",
      "parked"
    ),
    ("mv .git g; ln -s g .git", "parked"),
    ("rm .git; git init -q; git config core.fsmonitor 'touch $EVIL'; git config core.hooksPath $PWD", "kept"),
    (
      "git init -q $OUT/own; git -C $OUT/own config core.fsmonitor 'touch $EVIL'; rm .git; ln -s $OUT/own/.git .git",
      "kept"
    ),
    ("echo \"gitdir: $OUT\" > .git", "kept"), ("printf garbage > $A/HEAD", "kept"), ("rm $A/HEAD", "kept"),
    ("rm .git", "kept"),
    (
      "printf '[core]\\n\\tfsmonitor = touch $EVIL\\n\\thooksPath = $PWD\\n' > $A/config.worktree; git config extensions.worktreeConfig true; echo x > x",
      "parked"
    ),
    ("ln -s $OUT outside; ln -s / root; echo x > x", "parked"),
    (
      "echo '* filter=x diff=x' > .gitattributes; git config filter.x.clean 'touch $EVIL; cat'; git config filter.x.smudge 'touch $EVIL; cat'; git config diff.x.textconv 'touch $EVIL'; echo x > x",
      "parked"
    ),
    ("rm -r dir0; ln -s $OUT dir0", "parked"), ("ln -s $OUT/canary $A/MERGE_MSG; echo x > x", "parked"),
  ]

  @Test(arguments: rows) func `its own worktree`(_ row: (String, String)) throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let tree = try fixture.create()
    let (outside, evil) = (fixture.scratch.appending("outside"), fixture.scratch.appending("evil"))
    try fixture.scratch.write("safe\n", to: "outside/canary")
    let script =
      "A=$(git rev-parse --git-dir); C=$(git rev-parse --git-common-dir); "
      + row.0.replacing("$EVIL", with: evil.string).replacing("$OUT", with: outside.string)
    let done = try RunningProcess.run("/bin/bash", ["-c", script], environment: GitFixture.identity, directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    let contents = try fixture.contents(tree)
    for verb in ["inspect", "diff", "due"] { _ = fixture.verb(verb) }
    let removed = fixture.verb("remove", "w", before)
    #expect(removed["outcome"]?.string == row.1, "\(removed.compact)")
    #expect(!Files.exists(evil))
    if row.1 == "parked" { #expect(fixture.verb("restore")["ok"] == true) }
    #expect(try fixture.contents(tree) == contents)
    #expect(FileReading.of(outside.appending("canary")).text == "safe\n")
    #expect(!Files.exists(evil))
    #expect(!Files.exists(fixture.repository.appending(".git/worktrees/w/config.worktree")) || row.1 == "kept")
  }

  /// What it does to a neighbour's registration; what the neighbour wrote must stay.
  @Test(arguments: [
    "echo $OUT/.git > $C/worktrees/v/gitdir", "rm -r $C/worktrees/v", "echo garbage > $C/worktrees/v/index",
    "rm $C/worktrees/v/looop.json $C/worktrees/v/locked; git worktree prune --expire=now",
    "echo 'ref: refs/heads/main' > $C/worktrees/v/HEAD",
  ])
  func `a neighbour's registration`(_ mischief: String) throws {
    let fixture = try GitFixture()
    let (mine, theirs) = (try fixture.create("w"), try fixture.create("v"))
    try AtomicFile.write("work\n", to: theirs.appending("work.txt"))
    let contents = try fixture.contents(theirs)
    let script =
      "C=$(git rev-parse --git-common-dir); "
      + mischief.replacing("$OUT", with: fixture.scratch.appending("outside").string)
    let done = try RunningProcess.run("/bin/bash", ["-c", script], environment: GitFixture.identity, directory: mine)
    #expect(done.exitCode == 0, "\(done.errors)")
    _ = fixture.verb("remove", "w")
    let removed = fixture.verb("remove", "v")
    if removed["outcome"] == "parked" {
      #expect(fixture.verb("restore", "v")["ok"] == true)
    } else {
      #expect(removed["removed"] != true, "\(removed.compact)")
    }
    #expect(FileReading.of(theirs.appending("work.txt")).text == "work\n")
    #expect(try fixture.contents(theirs) == contents)
  }

  /// An exported `GIT_DIR` overrides even `git -C`; a helper must not follow one that it inherits.
  @Test(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"))
  func `git's variables in the environment`() throws {
    let fixture = try GitFixture()
    let other = fixture.scratch.appending("other")
    try fixture.git(["init", "-q", other.string])
    let astray = ["GIT_DIR": "\(other)/.git", "GIT_WORK_TREE": other.string, "GIT_INDEX_FILE": "\(other)/index"]
    for verb in ["create", "remove"] {
      let process = try RunningProcess(BuiltProducts.looopFleet, ["_sandbox", verb], environment: astray)
      process.write(fixture.request("w", ["setup": "git rev-parse --git-common-dir > where.log"]).compact)
      process.closeInput()
      _ = process.wait()
      #expect(try JSON(parsing: process.output)["ok"] == true, "\(process.output)")
      guard verb == "create" else { continue }
      let tree = fixture.root.appending("trees/w")
      #expect(FileReading.of(tree.appending("where.log")).text == "\(fixture.repository)/.git\n")
      #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
    }
    #expect(Files.names(other) == [".git"] && Files.names(other.appending(".git/worktrees")) == [])
    #expect(try fixture.debris() == [])
  }

  /// Somebody's `git gc` and `git worktree prune` while a worker has commits on no branch and a staged file.
  @Test func `git's own housekeeping`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create("w", ["detached": true])
    try AtomicFile.write("committed\n", to: tree.appending("c"))
    try fixture.commitAll("on no branch", in: tree)
    try AtomicFile.write("staged\n", to: tree.appending("s"))
    try fixture.git(["add", "s"], in: tree)
    let status = try fixture.git(["status", "--porcelain"], in: tree)
    try fixture.git(["gc", "-q", "--prune=now"])
    try fixture.git(["worktree", "prune", "--expire=now"])
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == status)
    #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree)).contains("missing"))
    #expect(fixture.verb("remove")["outcome"] == "parked")
    try fixture.git(["gc", "-q", "--prune=now"])
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == status)
  }
}
