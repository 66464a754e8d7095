import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct SandboxRemovalTests {
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
    let row = fixture.verb("due", "w", ["keep_s": ["unknown": 0]])["sandboxes"]?.array?.first
    #expect(row?["due"] == true && row?["verdict"] == "park" && row?["reason"] == "1 untracked file")
    let busy = fixture.verb("due", "w", ["live": ["w"]])["sandboxes"]?.array?.first
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

  /// What happens between the look and the taking away: by a descriptor that was open before, by a path, in the registration.
  @Test(arguments: ["echo late >> run.sh", "echo late > dir0/new", "rm link", "echo x > s; git add s; rm s"])
  func `what changes at the last moment is looked at as well`(_ change: String) throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let worker = try SandboxName("w")
    var removal = SandboxRemoval(
      layout: SandboxLayout(root: fixture.root), worker: worker, repositoryName: try SandboxName("web"),
      common: fixture.repository.appending(".git"))
    let times = Locked(0)
    removal.meanwhile = {
      guard
        times.withLock({
          $0 += 1; return $0
        }) == 1
      else { return }
      _ = try? RunningProcess.run("/bin/sh", ["-c", change], environment: GitFixture.identity, directory: tree)
    }
    let result = try removal.run()
    #expect(result.outcome() == "parked" && times.withLock { $0 } == 2, "\(result.sentence)")
    #expect(fixture.verb("restore")["ok"] == true)
    let status = try fixture.git(["status", "--porcelain"], in: tree)
    #expect(status.contains(["run.sh", "dir0/new", "link", "AD s"].first { change.contains($0.suffix(3)) } ?? "s"))
    #expect(Files.names(fixture.root.appending("trash")).count == 1)
  }

  @Test func `one that is written to all the time is kept`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    var removal = SandboxRemoval(
      layout: SandboxLayout(root: fixture.root), worker: try SandboxName("w"), repositoryName: try SandboxName("web"),
      common: fixture.repository.appending(".git"))
    removal.meanwhile = { try? AtomicFile.write("again\n", to: tree.appending("a.log")) }
    #expect(try removal.run().outcome() == "kept")
    #expect(FileReading.of(tree.appending("a.log")).text == "again\n")
    #expect(
      try fixture.git(["status", "--porcelain"], in: tree) == "" && Files.names(fixture.root.appending("trash")) == [])
  }

  @Test func `whom the supervisor saw there counts, until it has ended`() throws {
    let fixture = try GitFixture()
    try fixture.create()
    let user = try RunningProcess("/bin/sleep", ["60"], directory: "/")
    func remove(_ place: String, hidden: Bool = false) -> JSON {
      var look = DirectoryUsers()
      let seen = DirectoryUsers.User(pid: user.pid, name: "sleep")
      if hidden { look.hidden = [seen] } else { look.found[place] = [seen] }
      return fixture.verb("remove", "w", ["users": look.json])
    }
    #expect(remove("trees/w")["reason"]?.string?.contains("process \(user.pid) (sleep)") == true)
    #expect(remove("", hidden: true)["reason"]?.string?.contains("which may not be looked at") == true)
    user.signal(SIGKILL)
    _ = user.wait()
    #expect(remove("trees/w")["outcome"] == "removed")
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
