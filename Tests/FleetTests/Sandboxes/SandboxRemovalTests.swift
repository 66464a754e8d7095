import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct SandboxRemovalTests {
  /// What a worker may leave unsaved, made by the real git.
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
    (
      "conflicted",
      "git checkout -q -b other; echo A > c; git add c; git commit -qm a; git checkout -q -; echo B > c; git add c; git commit -qm b; git merge -q other; true"
    ),
    (
      "mid-rebase",
      "git checkout -q -b other2; echo A > c; git add c; git commit -qm a; git checkout -q -; echo B > c; git add c; git commit -qm b; git rebase other2 >/dev/null; true"
    ),
    ("hidden", "git update-index --assume-unchanged dir0/sub/file0.txt; echo hush >> dir0/sub/file0.txt"),
    ("binary", "head -c 300000 /dev/urandom > blob; printf '\\000\\001' > nul"),
  ]

  @Test(arguments: states) func `unsaved work comes back to the byte`(_ state: (String, String)) throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let made = try RunningProcess.run("/bin/sh", ["-c", state.1], environment: GitFixture.identity, directory: tree)
    #expect(made.exitCode == 0, "\(made.errors)")
    let status = try fixture.git(["status", "--porcelain=v2", "--branch"], in: tree)
    let contents = try fixture.contents(tree)
    let (head, log) = (try fixture.head(in: tree), try fixture.git(["log", "-g", "--format=%H"], in: tree))
    let removed = fixture.verb("remove")
    #expect(removed["removed"] == true && removed["outcome"] == "parked", "\(removed.compact)")
    #expect(!Files.exists(tree))
    try fixture.git(["reflog", "expire", "--expire=now", "--all"])
    try fixture.git(["gc", "-q", "--prune=now"])
    for commit in log.split(separator: "\n") { try fixture.git(["cat-file", "-e", String(commit)]) }
    let restored = fixture.verb("restore")
    #expect(restored["ok"] == true, "\(restored.compact)")
    #expect(try fixture.contents(tree) == contents)
    #expect(try fixture.head(in: tree) == head)
    #expect(
      try Self.withoutBranch(fixture.git(["status", "--porcelain=v2", "--branch"], in: tree))
        == Self.withoutBranch(status))
    #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree)).contains("error"))
    if state.0 == "mid-rebase" {
      try AtomicFile.write("C\n", to: tree.appending("c"))
      try fixture.git(["add", "c"], in: tree)
      try fixture.git(["rebase", "--continue"], in: tree)
    }
  }

  private static func withoutBranch(_ status: String) -> String {
    status.split(separator: "\n").filter { !$0.hasPrefix("# branch.head") }.joined(separator: "\n")
  }

  @Test func `a clean one goes, and its commits stay on their branch`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try AtomicFile.write("x", to: tree.appending("x"))
    try fixture.commitAll("work", in: tree)
    let tip = try fixture.head(in: tree)
    let removed = fixture.verb("remove")
    #expect(removed["outcome"] == "removed" && removed["reason"]?.string?.contains("1 commit stays") == true)
    #expect(try fixture.head("looop/w") == tip)
    #expect(fixture.verb("remove")["removed"] == true, "asking twice is fine")
  }

  @Test func `a dry run changes nothing`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try AtomicFile.write("x", to: tree.appending("x"))
    let told = fixture.verb("remove", "w", ["dry_run": true])
    #expect(told["outcome"] == "parked" && told["removed"] == false && told["parked"] == [])
    #expect(Files.exists(tree.appending("x")))
    let row = fixture.verb("prune", "w", ["keep_s": ["unknown": 0]])["sandboxes"]?.array?.first
    #expect(row?["due"] == true && row?["verdict"] == "park" && row?["reason"] == "1 untracked file")
    let busy = fixture.verb("prune", "w", ["live": ["w"]])["sandboxes"]?.array?.first
    #expect(busy?["due"] == false && busy?["verdict"] == "keep" && busy?["state"] == "in_use")
    #expect(Files.exists(tree.appending("x")))
  }

  @Test func `one in use is kept`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let user = try RunningProcess("/bin/sleep", ["60"], directory: tree)
    let kept = fixture.verb("remove")
    #expect(kept["outcome"] == "kept" && kept["reason"]?.string?.contains("process \(user.pid) (sleep)") == true)
    user.signal(SIGKILL)
    _ = user.wait()
    #expect(fixture.verb("remove")["outcome"] == "removed")
  }

  @Test(arguments: [
    ("git init -q inner; echo x > inner/f", "repository of its own"),
    ("echo 'gitdir: /nowhere' > .git", "was changed"),
    ("git worktree unlock .; git worktree lock . --reason mine", "locked: mine"),
    ("echo garbage > $(git rev-parse --git-dir)/index", "index"),
  ])
  func `what cannot be saved is kept with its reason`(_ row: (String, String)) throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let made = try RunningProcess.run("/bin/sh", ["-c", row.0], environment: GitFixture.identity, directory: tree)
    #expect(made.exitCode == 0, "\(made.errors)")
    let before = try fixture.contents(tree)
    let kept = fixture.verb("remove")
    #expect(kept["outcome"] == "kept" && kept["reason"]?.string?.contains(row.1) == true, "\(kept.compact)")
    #expect(try fixture.contents(tree) == before)
  }

  @Test func `a stash outlives the worktree`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try AtomicFile.write("stash me\n", to: tree.appending("dir0/sub/file0.txt"))
    try fixture.git(["stash"], in: tree)
    #expect(fixture.verb("remove")["outcome"] == "removed")
    #expect(try fixture.git(["stash", "show", "-p"]).contains("+stash me"))
  }
}
