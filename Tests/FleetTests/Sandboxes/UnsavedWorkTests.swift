import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// States in which a worker may leave its tree, made by the real git, against everything that may happen to the tree: nothing
/// is lost, and each comes back to the byte.
@Suite struct UnsavedWorkTests {
  private static let conflict =
    "git checkout -q -b other; echo A > c; git add c; git commit -qm a; git checkout -q -; echo B > c; git add c; git commit -qm b; "

  static let states: [(String, String)] = [
    ("modified", "echo more >> dir0/sub/file0.txt"), ("deleted", "rm dir1/sub/file1.txt run.sh"),
    (
      "untracked",
      "mkdir -p n/e; printf 'a\\r\\nb' > 'n/e/w %.txt'; chmod 600 'n/e/w %.txt'; ln -s nowhere n/l; echo x > n/x; chmod 755 n/x"
    ),
    ("staged", "echo one > s; git add s; echo two > s; git rm -q --cached dir2/sub/file2.txt"),
    ("link for a directory", "rm -r dir3; ln -s dir0 dir3"),
    ("directory for a file", "rm run.sh; mkdir run.sh; echo y > run.sh/y"),
    ("detached", "git checkout -q --detach; echo z > z; git add z; git commit -qm z"),
    ("amended", "echo z > z; git add z; git commit -qm z; git commit -q --amend -m zz"),
    ("conflicted merge", conflict + "git merge -q other; true"),
    ("mid-merge", conflict + "git merge -q other; echo C > c; git add c"),
    ("mid-rebase", conflict + "git rebase other >/dev/null; true"),
    ("mid-cherry-pick", conflict + "git cherry-pick other >/dev/null 2>&1; true"),
    (
      "mid-bisect",
      "for i in 1 2 3; do echo $i > b; git add b; git commit -qm $i; done; git bisect start -q HEAD HEAD~3 >/dev/null"
    ),
    ("stashed and dirty", "echo s >> run.sh; git stash -q; echo t >> run.sh"),
    ("hidden", "git update-index --assume-unchanged dir0/sub/file0.txt; echo hush >> dir0/sub/file0.txt"),
    ("skipped", "git update-index --skip-worktree dir0/sub/file0.txt; echo hush >> dir0/sub/file0.txt"),
    ("ignored", "echo TOKEN=1 > .env; echo line > dir0/notes.log; chmod 600 .env"),
    ("mode only", "chmod +x dir0/sub/file0.txt; chmod -x run.sh"),
    ("on a branch without a commit", "git checkout -q --orphan fresh; rm run.sh; echo x > new; echo y > s; git add s"),
    ("all begun anew", "git checkout -q --orphan fresh; git rm -rqf .; echo x > new; echo y > s; git add s"),
    ("its branch deleted", "echo z > z; git add z; git commit -qm z; git update-ref -d HEAD; echo more >> run.sh"),
    (
      "without permissions",
      "echo x > n; echo more >> dir0/sub/file0.txt; mkdir d; echo y > d/y; chmod 000 n dir0/sub/file0.txt d/y d"
    ),
    ("linked out of the tree", "echo more >> run.sh; ln run.sh ../../linked; ln run.sh again"),
    ("binary", "head -c 300000 /dev/urandom > blob; printf '\\000\\001' > nul"),
  ]

  /// What a person would miss.
  private struct State: Equatable {
    var contents: [String: String]
    var status: String
    var head: String
    var stash: String

    init(_ fixture: GitFixture, _ tree: FilePath) throws {
      contents = try fixture.contents(tree)
      let lines = try fixture.git(["status", "--porcelain=v2", "--branch", "--ignored"], in: tree).split(
        separator: "\n")
      // The old branch may be kept for its commits; the work goes on beside it then.
      status = lines.filter { !$0.hasPrefix("# branch.head") }.joined(separator: "\n")
      head = try fixture.git(["rev-parse", "--quiet", "--verify", "HEAD"], in: tree, mayFail: true)
      stash = try fixture.git(["stash", "list", "--format=%H"])
    }
  }

  @Test(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"), arguments: states)
  func `nothing is lost by quota, crash, collection or removal`(_ row: (String, String)) throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let made = try RunningProcess.run("/bin/sh", ["-c", row.1], environment: GitFixture.identity, directory: tree)
    #expect(made.exitCode == 0, "\(made.errors)")
    // As its reflog names them: git shows that of a branch without a commit to nobody.
    let log = FileReading.of(fixture.repository.appending(".git/worktrees/w/logs/HEAD")).text ?? ""
    let commits = log.split(separator: "\n").map { $0.split(separator: " ")[1] }.filter { !$0.allSatisfy { $0 == "0" } }
    let state = try State(fixture, tree)

    // A quota refuses the next one, and takes nothing of this one.
    let full: [String: JSON] = ["disk_max_bytes": 1]
    #expect(fixture.verb("create", "other", full)["code"] == "no_space")
    #expect(try State(fixture, tree) == state)

    // Whoever takes it away dies on the way, somewhere.
    let doomed = try RunningProcess(BuiltProducts.looopFleet, ["_sandbox", "remove"])
    doomed.write(fixture.request("w", ["sweep": false]).compact)
    doomed.closeInput()
    usleep(UInt32.random(in: 5_000...120_000))
    doomed.signal(SIGKILL)
    _ = doomed.wait()

    // Collected when it is due, if the dead one had not come so far.
    let listed = fixture.verb("due", "w", ["keep_s": ["unknown": 0]])["sandboxes"]?.array?.first
    #expect(listed == nil || listed?["verdict"] == "park" || listed?["verdict"] == "remove", "\(listed?.compact ?? "")")
    _ = fixture.verb("remove")
    #expect(!Files.exists(tree), "\(listed?.compact ?? "")")
    try Self.collectGarbage(fixture, commits)
    try Self.expectRestored(fixture, tree, state, row.0)

    // Removed by hand, once whoever restored it gave it back; commits that are parked already need not be parked again.
    #expect(fixture.verb("remove")["outcome"] == "kept", "it was restored for somebody")
    try fixture.git(["worktree", "unlock", tree.string])
    let removed = fixture.verb("remove")
    #expect(removed["removed"] == true, "\(removed.compact)")
    try Self.expectRestored(fixture, tree, state, row.0)
    if row.0 == "mid-rebase" {
      try AtomicFile.write("C\n", to: tree.appending("c"))
      try fixture.git(["add", "c"], in: tree)
      try fixture.git(["rebase", "--continue"], in: tree)
    }
  }

  private static func collectGarbage(_ fixture: GitFixture, _ commits: [Substring]) throws {
    // All but the stash, which is nothing but its reflog. The killed removal may have taken a branch's reflog and not yet the branch.
    let branches = try fixture.git(["for-each-ref", "--format=%(refname)", "refs/heads"]).split(separator: "\n")
      .filter { FileReading.of(FilePath("\(fixture.repository)/.git/logs/\($0)")) != .absent }
    let expire = ["reflog", "expire", "--expire=now", "--expire-unreachable=now", "HEAD"]
    try fixture.git(expire + branches.map(String.init))
    try fixture.git(["gc", "-q", "--prune=now"])
    for commit in commits { try fixture.git(["cat-file", "-e", String(commit)]) }
  }

  private static func expectRestored(_ fixture: GitFixture, _ tree: FilePath, _ state: State, _ name: String) throws {
    // The latest ref is the last removal's.
    let refs = try fixture.git(["for-each-ref", "--sort=-committerdate", "--format=%(refname)", "refs/looop/parked"])
    let latest = try #require(refs.split(separator: "\n").max { $0.count < $1.count }, "\(name): nothing parked")
    let restored = fixture.verb("restore", "w", ["ref": .string(String(latest))])
    #expect(restored["ok"] == true, "\(name): \(restored.compact)")
    #expect(try State(fixture, tree) == state, "\(name)")
    #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree)).contains("error"))
  }

  @Test func `what is ignored is told where somebody decides`() throws {
    let fixture = try GitFixture()
    try fixture.scratch.write("GIVEN=1\n", to: "source/.env")
    try fixture.scratch.write(".env\n", to: "source/.worktreeinclude")
    let tree = try fixture.create("w", ["setup": "echo made by setup > setup.log"])
    let clean = fixture.verb("inspect")
    #expect(clean["verdict"] == "remove", "what it was given is not its work: \(clean.compact)")
    let filled = try RunningProcess.run(
      "/bin/sh", ["-c", "mkdir build; echo o > build/x.o; head -c 2000000 /dev/zero > huge.log"], directory: tree)
    #expect(filled.exitCode == 0)
    let told = fixture.verb("inspect")
    #expect(told["verdict"] == "remove")
    let reason = told["reasons"]?.array?.first?.string
    #expect(reason?.hasSuffix("what git ignores goes with it: build/, huge.log") == true, "\(told.compact)")
    try AtomicFile.write("GIVEN=2\n", to: tree.appending(".env"))
    let removed = fixture.verb("remove")
    #expect(removed["outcome"] == "parked" && removed["reason"]?.string?.hasPrefix("1 ignored file, ") == true)
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(FileReading.of(tree.appending(".env")).text == "GIVEN=2\n")
    #expect(!Files.exists(tree.appending("build")))
  }

  /// What a worker does in its tree, and what becomes of the tree.
  private static let nested: [(String, String)] = [
    ("cd dir0; git init -q; git add -A; git commit -qm own", "dir0"),
    ("git init -q dir1/sub/in; cd dir1/sub/in; git commit -q --allow-empty -m own; git tag v1", "dir1/sub/in"),
    ("git init -q build/a/b/c/d/e/f/g/h; cd build/a/b/c/d/e/f/g/h; git commit -q --allow-empty -m own", "d/e/f/g/h"),
    (
      "git init -q build/t; cd build/t; git commit -q --allow-empty -m own; git tag v; git checkout -q --detach",
      "build/t"
    ),
    ("git init -q --separate-git-dir ../elsewhere dir2; cd dir2; git commit -q --allow-empty -m own", "dir2"),
  ]

  @Test(arguments: nested) func `a repository of its own is found wherever it is`(_ row: (String, String)) throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let made = try RunningProcess.run("/bin/sh", ["-ec", row.0], environment: GitFixture.identity, directory: tree)
    #expect(made.exitCode == 0, "\(made.errors)")
    let kept = fixture.verb("remove")
    #expect(kept["outcome"] == "kept" && kept["reason"]?.string?.contains(row.1) == true, "\(kept.compact)")
  }

  @Test(arguments: ["git init -q dir0; echo more >> dir0/sub/file0.txt; echo new > dir0/new", "git init -q dir0"])
  func `an empty one hides nothing of what the worktree knows`(_ work: String) throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let made = try RunningProcess.run("/bin/sh", ["-ec", work], environment: GitFixture.identity, directory: tree)
    #expect(made.exitCode == 0, "\(made.errors)")
    var contents = try fixture.contents(tree)
    let removed = fixture.verb("remove")
    #expect(removed["outcome"]?.string == (work.contains("new") ? "parked" : "removed"), "\(removed.compact)")
    if removed["outcome"] == "parked" {
      #expect(fixture.verb("restore")["ok"] == true)
      contents = contents.filter { !$0.key.contains(".git/") }
      #expect(try fixture.contents(tree) == contents)
    }
  }

  @Test func `a tree too large to search is kept`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    #expect(NestedRepositories.places(in: tree).unsearched == nil)
    #expect(NestedRepositories.places(in: tree, most: 5).unsearched?.contains("more than 5 names") == true)
    let deep = String(repeating: "d/", count: TreeWalk.deepest + 2)
    #expect(try RunningProcess.run("/bin/mkdir", ["-p", deep], directory: tree.appending("dir0")).exitCode == 0)
    #expect(
      NestedRepositories.places(in: tree).unsearched?.hasSuffix("cannot be searched for repositories of their own")
        == true)
    #expect(fixture.verb("remove")["outcome"] == "kept")
  }

  @Test func `a clone below an ignored directory is kept while it holds work`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let clone = tree.appending("build/deps/lib")
    try fixture.git(["clone", "-q", fixture.repository.string, clone.string])
    #expect(fixture.verb("inspect")["verdict"] == "remove")
    try AtomicFile.write("mine\n", to: clone.appending("mine"))
    try fixture.commitAll("mine", in: clone)
    let kept = fixture.verb("remove")
    #expect(kept["outcome"] == "kept" && kept["reason"]?.string?.contains("build/deps/lib") == true, "\(kept.compact)")
    try fixture.git(["push", "-q", "origin", "HEAD:refs/heads/theirs"], in: clone)
    #expect(fixture.verb("remove")["outcome"] == "removed")
  }
}
