import Dispatch
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct WarmPoolTests {
  private func recycle(_ fixture: GitFixture, _ mischief: String, _ commit: Bool = false) throws -> FilePath {
    let tree = try fixture.create("old")
    let done = try RunningProcess.run("/bin/bash", ["-c", mischief], environment: GitFixture.identity, directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    #expect(fixture.verb("remove", "old", ["sweep": false])["removed"] == true)
    let swept = fixture.verb("sweep", "x", ["pool_max": 1, "free_floor_bytes": 0])
    #expect(swept["ok"] == true, "\(swept.compact)")
    return tree
  }

  /// What a former worker may try to leave to the next one.
  static let mischief: [String] = [
    "true", "mkdir -p build n; echo secret > build/x; echo secret > .env; echo s > n/y; touch a.log",
    "echo evil >> dir0/sub/file0.txt; git update-index --assume-unchanged dir0/sub/file0.txt",
    "r=$(stat -c %y dir0/sub/file0.txt); s=$(wc -c < dir0/sub/file0.txt); head -c $s /dev/zero | tr '\\0' X > f; cat f > dir0/sub/file0.txt; rm f; touch -d \"$r\" dir0/sub/file0.txt",
    "ln dir0/sub/file0.txt ../../held", "chmod 4755 dir0/sub/file0.txt; chmod 700 dir1; chmod 777 dir2/sub",
    "setfattr -n user.note -v secret dir0/sub/file0.txt 2>/dev/null || true",
    "rm -r dir3; ln -s /tmp dir3", "rm run.sh; mkdir -p run.sh/deep; echo x > run.sh/deep/f",
    "rm link; ln -s /etc link",
    "git init -q vendor; echo x > vendor/f; rm -rf vendor/.git", "mkfifo pipe", "rm -rf dir0 dir1 dir2 dir3 dir4",
    "mkdir -p locked/in; echo x > locked/in/f; chmod 000 locked/in", "printf x > $'odd\\377name'",
    "git update-index --skip-worktree dir0/sub/file0.txt; rm dir0/sub/file0.txt", "git sparse-checkout set dir0",
    "mkdir -p e/m/p build/empty", "git init -q build/nested; git init -q dir0", "echo 'gitdir: /etc' > dir1/.git",
    "git config core.autocrlf true; git config user.name former; git tag former",
    "cp run.sh .git-evil; git update-index --add --cacheinfo 100755,$(git hash-object -w run.sh),evil; rm .git-evil",
    "touch -d 2001-01-01 dir0/sub/file0.txt run.sh; chmod 600 dir4/sub/file4.txt; chmod -x run.sh",
    "git checkout -q -b other; echo c > committed; git add committed; git commit -qm c",
  ]

  @Test(arguments: mischief) func `nothing of a former worker is left`(_ mischief: String) throws {
    let fixture = try GitFixture()
    _ = try recycle(fixture, mischief)
    let made = fixture.verb("create", "new")
    let tree = FilePath(try #require(made["path"]?.string))
    #expect(made["from"] == "warm", "\(made.compact)")
    try fixture.git(["worktree", "add", "-q", "--detach", fixture.scratch.appending("fresh").string, "main"])
    #expect(try fixture.contents(tree) == fixture.contents(fixture.scratch.appending("fresh")))
    #expect(try fixture.git(["status", "--porcelain", "--ignored"], in: tree) == "")
    #expect(try fixture.head(in: tree) == fixture.head("main"))
    for path in ["dir0", "dir1", "dir2/sub"] {
      #expect(Files.permissions(tree.pushing(FilePath(path))) == 0o777 & ~Files.creationMask)
    }
    let attributes = try RunningProcess.run(
      "/bin/sh", ["-c", "find . -path ./.git -prune -o -links +1 -type f -print"], directory: tree)
    #expect(attributes.output == "")
    #expect(!Files.hasAttributes(tree.appending("dir0/sub/file0.txt")))
    #expect(try fixture.git(["ls-files", "-v"], in: tree).split(separator: "\n").allSatisfy { $0.hasPrefix("H ") })
    let log = try fixture.git(["reflog"], in: tree)
    #expect(log.split(separator: "\n").count == 1)
    #expect(try fixture.git(["rev-parse", "--verify", "-q", "ORIG_HEAD"], in: tree, mayFail: true) == "")
  }

  @Test func `a pooled tree is brought to any base`() throws {
    let fixture = try GitFixture()
    let old = try fixture.head()
    _ = try recycle(fixture, "true")
    try fixture.git(["rm", "-q", "-r", "dir1", "run.sh"])
    try fixture.scratch.write("now a file\n", to: "source/dir1")
    try fixture.scratch.write("now below a directory\n", to: "source/run.sh/inner/x")
    try fixture.scratch.write("changed\n", to: "source/dir0/sub/file0.txt")
    try Directory.removeTree(fixture.repository.appending("link"))
    try fixture.scratch.write("was a link\n", to: "source/link/f")
    try fixture.commitAll("second")
    let made = fixture.verb("create", "new")
    let tree = FilePath(try #require(made["path"]?.string))
    #expect(made["from"] == "warm")
    #expect(try fixture.contents(tree) == fixture.contents(fixture.repository))
    #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
    #expect(fixture.verb("remove", "new")["removed"] == true)
    let back = fixture.verb("create", "back", ["base": .string(old)])
    #expect(back["from"] == "warm")
    let backTree = FilePath(try #require(back["path"]?.string))
    #expect(try fixture.git(["status", "--porcelain"], in: backTree) == "")
    #expect(Files.isLink(backTree.appending("link")) && Files.exists(backTree.appending("run.sh")))
    #expect(try fixture.git(["fsck", "--no-dangling"]) == "")
  }

  @Test func `changed attributes make it from scratch`() throws {
    let fixture = try GitFixture()
    _ = try recycle(fixture, "true")
    try fixture.scratch.write("*.txt text eol=crlf\n", to: "source/.gitattributes")
    try fixture.commitAll("attributes")
    let made = fixture.verb("create", "new")
    #expect(made["from"] == "cold")
    #expect(
      FileReading.of(FilePath(try #require(made["path"]?.string)).appending("dir0/sub/file0.txt")).text?.contains(
        "\r\n") == true)
  }

  /// Its index had come to its place when the tree was found missing.
  @Test func `one that is broken is in nobody's way`() throws {
    let fixture = try GitFixture()
    _ = try recycle(fixture, "true")
    let place = fixture.root.appending("pool/web").appending(
      try #require(Files.names(fixture.root.appending("pool/web")).first))
    try TreeRemoval.remove(place.appending("tree"))
    let made = fixture.verb("create", "new")
    #expect(made["from"] == "cold" && made["ok"] == true, "\(made.compact)")
    #expect(try fixture.git(["status", "--porcelain"], in: FilePath(#require(made["path"]?.string))) == "")
    #expect(Files.names(fixture.root.appending("pool/web")) == [])
  }

  @Test func `two takers never get the same`() throws {
    let fixture = try GitFixture(files: 40)
    _ = try recycle(fixture, "true")
    let made = (0..<4).map { fixture.verb("create", "n\($0)") }
    #expect(made.filter { $0["from"] == "warm" }.count == 1)
    #expect(Set(made.compactMap { $0["path"]?.string }).count == 4)
  }

  /// Who asks for a tree while somebody else makes room of it has all of it or makes one.
  @Test func `a taker and a quota do not share a tree`() throws {
    let fixture = try GitFixture(files: 300)
    for round in 0..<8 {
      _ = try recycle(fixture, "true")
      let limit = JSON.int(DiskUse.of(fixture.root).bytes)
      let answers = Locked([JSON]())
      DispatchQueue.concurrentPerform(iterations: 2) { side in
        let answer =
          side == 0
          ? fixture.verb("create", "taker-\(round)")
          : fixture.verb("create", "maker-\(round)", ["disk_max_bytes": limit, "disk_used_bytes": limit])
        answers.withLock { $0.append(answer) }
      }
      for answer in answers.withLock({ $0 }) {
        #expect(answer["ok"] == true || answer["code"] == "no_space", "\(answer.compact)")
        guard let path = answer["path"]?.string else { continue }
        #expect(try fixture.git(["status", "--porcelain", "--ignored"], in: FilePath(path)) == "")
        #expect(try fixture.contents(FilePath(path)).count == 303)
      }
      for name in ["taker-\(round)", "maker-\(round)"] { _ = fixture.verb("remove", name) }
    }
  }

  @Test func `what nobody uses is not kept`() throws {
    let fixture = try GitFixture()
    _ = try recycle(fixture, "true")
    #expect(DiskUse.of(fixture.root.appending("pool")).bytes > 0)
    #expect(fixture.verb("sweep", "x", ["pool_max": 0])["deleted"] == 1)
    #expect(Files.names(fixture.root.appending("pool/web")) == [])
  }

  @Test func `room is made of what is warm, and who asks for it next is remembered`() throws {
    let fixture = try GitFixture()
    _ = try recycle(fixture, "true")
    let (pool, root) = (fixture.root.appending("pool"), fixture.root)
    let used = DiskUse.of(root).bytes
    // As it was last measured there is room, so nothing is measured and nothing goes.
    let believed = ["disk_max_bytes": .int(used), "disk_used_bytes": .int(used - 1)] as [String: JSON]
    #expect(fixture.verb("create", "a", believed)["from"] == "warm")
    #expect(fixture.verb("remove", "a")["removed"] == true && Files.names(pool.appending("web")).count == 1)
    let requests = FileReading.of(pool.appending("web.requests"))
    let limit = JSON.int(DiskUse.of(root).bytes)
    let made = fixture.verb("create", "b", ["disk_max_bytes": limit, "disk_used_bytes": limit])
    #expect(made["from"] == "cold", "\(made.compact)")
    #expect(Files.names(pool.appending("web")) == [] && Files.names(root.appending("trash")) == [])
    #expect(FileReading.of(pool.appending("web.requests")).text?.hasPrefix(requests.text ?? "?") == true)
  }

  @Test func `a directory occupies what du says`() throws {
    let fixture = try GitFixture()
    #expect(try RunningProcess.run("/bin/ln", ["run.sh", "again"], directory: fixture.repository).exitCode == 0)
    let du = try RunningProcess.run("/usr/bin/du", ["-s", "-B1", fixture.repository.string]).output
    #expect(DiskUse.of(fixture.repository).bytes == Int64(du.prefix { $0.isNumber }))
  }

  @Test func `nor is anything where the tenant's share of the disk is nearly used up`() throws {
    let fixture = try GitFixture()
    _ = try recycle(fixture, "true")
    let far = fixture.verb("sweep", "x", ["disk_max_bytes": .int(1 << 30)])
    #expect(far["deleted"] == 0 && far["near_quota"] == false)
    let near = fixture.verb("sweep", "x", ["disk_max_bytes": 4096])
    #expect(near["deleted"] == 1 && near["near_quota"] == true)
    #expect(Files.names(fixture.root.appending("pool/web")) == [])
  }
}
