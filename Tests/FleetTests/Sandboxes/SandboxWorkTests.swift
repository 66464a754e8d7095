import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// A worker's work seen, brought home and restored, wherever it is: the requests name no repository, as the supervisor's do.
@Suite struct SandboxWorkTests {
  private static func work(
    _ fixture: GitFixture, _ verb: String, _ worker: String, _ more: [String: JSON] = [:]
  ) -> JSON {
    var request = fixture.request(worker, more)
    request["repo_name"] = nil
    request["repo_path"] = nil
    return SandboxVerb.run(verb, request: request)
  }

  private static func commit(_ fixture: GitFixture, _ tree: FilePath, ignored: Bool = false) throws {
    try AtomicFile.write("work\n", to: tree.appending("work.txt"))
    if ignored {
      try AtomicFile.write("work\n", to: tree.appending("work.log"))
      try fixture.git(["add", "--force", "work.log"], in: tree)
    }
    try fixture.commitAll("work", in: tree)
  }

  @Test func `a worktree, a branch and parked work are shown from what they began with`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try Self.commit(fixture, tree)
    try AtomicFile.write("more\n", to: tree.appending("more.txt"))
    let live = Self.work(fixture, "diff", "w")
    #expect(live["state"] == "worktree" && live["files"] == 2 && live["unsaved"] == 1, "\(live.compact)")
    #expect(live["commits"]?.array?.map { $0["summary"]?.string } == ["work"])
    #expect(fixture.verb("remove")["outcome"] == "parked")
    let parked = Self.work(fixture, "diff", "w")
    #expect(parked["state"] == "parked" && parked["files"] == 2 && parked["unsaved"] == 1, "\(parked.compact)")
    #expect(parked["patch"]?.string?.contains("+more") == true && parked["base_oid"] == live["base_oid"])
    try fixture.git(["update-ref", "-d", "refs/looop/parked/w"])
    let branch = Self.work(fixture, "diff", "w")
    #expect(branch["state"] == "branch" && branch["files"] == 1 && branch["base_oid"] == live["base_oid"])
    let cut = Self.work(fixture, "diff", "w", ["max_bytes": 5])
    #expect(cut["cut"] == true)
    let whole = try RunningProcess.shell(try #require(cut["command"]?.string))
    #expect(whole.output == branch["patch"]?.string, "\(whole.errors)")
    #expect(Self.work(fixture, "diff", "nobody")["code"] == "not_found")
  }

  @Test func `work of a branch without a commit is shown from where it is parked`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try fixture.git(["checkout", "-q", "--orphan", "fresh"], in: tree)
    try fixture.git(["rm", "-rqf", "."], in: tree)
    try AtomicFile.write("begun anew\n", to: tree.appending("new.txt"))
    #expect(fixture.verb("remove")["outcome"] == "parked")
    let parked = Self.work(fixture, "diff", "w")
    #expect(parked["ok"] == true && parked["state"] == "parked" && parked["unsaved"] == 1, "\(parked.compact)")
    // From what the sandbox began with, like all other work: that went, and one file came.
    let base = try fixture.head()
    #expect(parked["base_oid"]?.string == base && parked["commits"] == [], "\(parked.compact)")
    #expect(parked["files"] == 16 && parked["insertions"] == 1 && parked["deletions"] == 29, "\(parked.compact)")
    #expect(parked["patch"]?.string?.contains("+begun anew") == true)
  }

  @Test func `landing moves the branch that the source is on, and a dry run nothing`() throws {
    let fixture = try GitFixture()
    try Self.commit(fixture, try fixture.create())
    let before = try fixture.head("main")
    let dry = Self.work(fixture, "land", "w", ["dry_run": true])
    #expect(dry["into"] == "main" && dry["moved"] == ["main"] && dry["commits"]?.array?.count == 1, "\(dry.compact)")
    #expect(try fixture.head("main") == before)
    // An ended worker's branch is enough.
    #expect(fixture.verb("remove")["outcome"] == "removed")
    let landed = Self.work(fixture, "land", "w")
    #expect(landed["already"] == false, "\(landed.compact)")
    #expect(try fixture.head("main") == landed["tip"]?.string)
    #expect(FileReading.of(fixture.repository.appending("work.txt")).text == "work\n")
    #expect(try fixture.git(["status", "--porcelain"]) == "")
    #expect(Self.work(fixture, "land", "w")["already"] == true)
    #expect(Self.work(fixture, "land", "w", ["into": "nope"])["code"] == "not_found")
  }

  @Test func `whoever looks or lands while the sandbox is given back gets the work all the same`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try Self.commit(fixture, tree)
    try AtomicFile.write("more\n", to: tree.appending("more.txt"))
    var document = fixture.request("w")
    document["repo_name"] = nil
    document["repo_path"] = nil
    var places: [String] = []
    let tip = try SandboxWork.with(SandboxRequest(document)) { work in
      places.append(work.state)
      // Found in its worktree, which goes before anything is read in it.
      if places.count == 1 { #expect(fixture.verb("remove")["outcome"] == "parked") }
      return try work.commit()
    }
    #expect(places == ["worktree", "parked"])
    #expect(try fixture.head("looop/w") == tip.hex)
    // What is wrong with the work itself is said at once.
    places = []
    #expect(throws: SandboxError.self) {
      try SandboxWork.with(SandboxRequest(document)) { work in
        places.append(work.state)
        throw SandboxError(.conflict, "not forward")
      }
    }
    #expect(places == ["parked"])
  }

  /// A name that no file system takes stops it after the other files were written.
  @Test func `a landing that fails half-way leaves the source as it was`() throws {
    let fixture = try GitFixture()
    try fixture.scratch.write("mine\n", to: "source/untracked")
    let (before, head) = (try fixture.contents(fixture.repository), try fixture.head("main"))
    let tree = try fixture.create()
    try AtomicFile.write("work\n", to: tree.appending("a-first"))
    try AtomicFile.write("changed\n", to: tree.appending("dir0/sub/file0.txt"))
    try Files.setPermissions(tree.appending("dir1/sub/file1.txt"), 0o755)
    try fixture.git(["rm", "-q", "run.sh", "link"], in: tree)
    // In the source that path leads through a link to a file that stays.
    try Directory.create(tree.appending("link"))
    try AtomicFile.write("in the link's place\n", to: tree.appending("link/file0.txt"))
    try fixture.git(["add", "-A"], in: tree)
    let blob = String(try fixture.git(["rev-parse", ":a-first"], in: tree).dropLast())
    let name = String(repeating: "z", count: 300)
    try fixture.git(["update-index", "--add", "--cacheinfo", "100644,\(blob),\(name)"], in: tree)
    try fixture.git(["commit", "-q", "-m", "work"], in: tree)
    let refused = Self.work(fixture, "land", "w")
    #expect(refused["ok"] == false && refused["message"]?.string?.contains(name) == true, "\(refused.compact)")
    #expect(try fixture.contents(fixture.repository) == before)
    #expect(try fixture.git(["status", "--porcelain"]) == "?? untracked\n" && fixture.head("main") == head)
  }

  /// libgit2's walk fails where the history of such a clone ends.
  @Test func `a shallow clone's sandboxes are collected, shown and landed`() throws {
    let fixture = try GitFixture()
    for number in 1...3 { try fixture.commitAll("more \(number)") }
    let clone = fixture.scratch.appending("shallow")
    try fixture.git(["clone", "-q", "--depth", "2", "file://\(fixture.repository)", clone.string])
    let place: [String: JSON] = ["repo_path": .string(clone.string), "repos": ["web": .string(clone.string)]]
    for (worker, change) in [("clean", nil), ("dirty", "mess.txt"), ("w", "work.txt")] {
      let tree = try fixture.create(worker, place)
      if let change { try AtomicFile.write("x\n", to: tree.appending(change)) }
      if worker == "w" { try fixture.commitAll("work", in: tree) }
    }
    #expect(fixture.verb("remove", "clean", place)["deleted_branch"] == "looop/clean")
    #expect(fixture.verb("remove", "dirty", place)["outcome"] == "parked")
    let shown = fixture.verb("diff", "w", place)
    #expect(shown["files"] == 1 && shown["commits"]?.array?.count == 1, "\(shown.compact)")
    let gone = fixture.verb("remove", "w", place)
    #expect(gone["outcome"] == "removed" && gone["reason"]?.string?.contains("1 commit") == true, "\(gone.compact)")
    #expect(fixture.verb("land", "w", place)["moved"] == ["main"])
    #expect(try fixture.git(["status", "--porcelain"], in: clone) == "")
  }

  @Test func `a bare source has no checkout to mind`() throws {
    let fixture = try GitFixture()
    let bare = fixture.scratch.appending("bare.git")
    try fixture.git(["clone", "-q", "--bare", fixture.repository.string, bare.string])
    let made = fixture.verb("create", "w", ["repo_path": .string(bare.string)])
    try Self.commit(fixture, FilePath(try #require(made["path"]?.string)))
    let landed = Self.work(fixture, "land", "w", ["repos": ["web": .string(bare.string)]])
    #expect(landed["into"] == "main" && landed["already"] == false, "\(landed.compact)")
    #expect(try fixture.head("main", in: bare) == landed["tip"]?.string)
  }

  @Test func `workers of one name in two private repositories land one after the other`() throws {
    let fixture = try GitFixture()
    let roots = ["one", "two"].map { fixture.scratch.appending($0) }
    for root in roots {
      let place: [String: JSON] = ["root": .string(root.string), "private": true]
      let made = fixture.verb("create", "w", place)
      let tree = FilePath(try #require(made["path"]?.string, "\(made.compact)"))
      if root == roots[1] { try fixture.git(["pull", "-q", "--ff-only", fixture.repository.string, "main"], in: tree) }
      try AtomicFile.write("x\n", to: tree.appending(root.lastComponent?.string ?? ""))
      try fixture.commitAll("of \(root.lastComponent?.string ?? "")", in: tree)
      let landed = fixture.verb("land", "w", place)
      #expect(landed["ok"] == true && landed["commits"]?.array?.count == 1, "\(landed.compact)")
    }
    #expect(try fixture.git(["log", "--format=%s", "-2", "main"]) == "of two\nof one\n")
    #expect(try fixture.git(["branch", "--list", "looop/*"]) == "", "no branches of workers are left in the source")
  }

  /// What the source's checkout is like, and the words of the refusal; nothing of it may have changed.
  static let obstacles: [(String, String)] = [
    ("git checkout -q --detach", "on no branch"),
    ("git commit -q --allow-empty -m theirs", "1 commit that looop/w lacks"),
    ("echo x >> run.sh", "uncommitted changes"),
    ("echo x > staged; git add staged", "uncommitted changes"),
    ("echo mine > work.txt", "is in the way"),
    ("echo mine > work.log", "is in the way"),
    ("touch .git/refs/heads/main.lock", "main is locked"), ("touch .git/index.lock", "its index is locked"),
    (
      "git checkout -q -b other; git worktree add -q ../linked main; git symbolic-ref HEAD refs/heads/main",
      "checked out in"
    ),
  ]

  @Test(arguments: obstacles) func `what is no plain step forward is refused in words`(_ row: (String, String)) throws {
    let fixture = try GitFixture()
    try Self.commit(fixture, try fixture.create(), ignored: true)
    let made = try RunningProcess.run(
      "/bin/sh", ["-c", row.0], environment: GitFixture.identity, directory: fixture.repository)
    #expect(made.exitCode == 0, "\(made.errors)")
    let (head, contents) = (try fixture.head("main"), try fixture.contents(fixture.repository))
    let status = try fixture.git(["status", "--porcelain"])
    let refused = Self.work(fixture, "land", "w")
    #expect(refused["ok"] == false && refused["message"]?.string?.contains(row.1) == true, "\(refused.compact)")
    #expect(try fixture.head("main") == head)
    #expect(try fixture.git(["status", "--porcelain"]) == status)
    #expect(try fixture.contents(fixture.repository) == contents)
  }

  @Test func `what must pass a filter is not landed as it is stored`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try AtomicFile.write("*.x filter=crypt\n", to: tree.appending(".gitattributes"))
    try AtomicFile.write("stored form\n", to: tree.appending("a.x"))
    try fixture.commitAll("filtered", in: tree)
    for dryRun in [true, false] {
      let refused = Self.work(fixture, "land", "w", ["dry_run": .bool(dryRun)])
      #expect(refused["code"] == "unsupported" && refused["message"]?.string?.hasPrefix("a.x must pass") == true)
    }
    #expect(try fixture.git(["status", "--porcelain"]) == "" && !Files.exists(fixture.repository.appending("a.x")))
    // Where nobody has it checked out there is nothing to run.
    try fixture.git(["checkout", "-q", "-b", "elsewhere"])
    #expect(Self.work(fixture, "land", "w", ["into": "main"])["ok"] == true)
  }

  @Test func `work of a detached head lands from where it was parked`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try fixture.git(["checkout", "-q", "--detach"], in: tree)
    try Self.commit(fixture, tree)
    try fixture.git(["branch", "-q", "-D", "looop/w"], in: tree, mayFail: true)
    try AtomicFile.write("x\n", to: tree.appending("x"))
    #expect(fixture.verb("remove")["outcome"] == "parked")
    let landed = Self.work(fixture, "land", "w")
    #expect(landed["ok"] == true && landed["unsaved"] == 1, "\(landed.compact)")
    #expect(FileReading.of(fixture.repository.appending("work.txt")).text == "work\n")
  }

  /// What was committed on the branch before is a part of it only.
  @Test func `all commits of a detached head land, though its branch is there`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try Self.commit(fixture, tree)
    try fixture.git(["checkout", "-q", "--detach"], in: tree)
    try AtomicFile.write("two\n", to: tree.appending("two"))
    try fixture.commitAll("detached", in: tree)
    try AtomicFile.write("x\n", to: tree.appending("x"))
    let tip = try fixture.head(in: tree)
    for state in ["worktree", "parked"] {
      if state == "parked" { #expect(fixture.verb("remove")["outcome"] == "parked") }
      let shown = Self.work(fixture, "diff", "w")
      #expect(shown["state"]?.string == state && shown["branch"] == .null && shown["unsaved"] == 1, "\(shown.compact)")
      #expect(shown["commits"]?.array?.map { $0["summary"]?.string } == ["detached", "work"])
      let dry = Self.work(fixture, "land", "w", ["dry_run": true])
      #expect(dry["tip"]?.string == tip && dry["commits"]?.array?.count == 2, "\(dry.compact)")
    }
    #expect(Self.work(fixture, "land", "w")["ok"] == true)
    #expect(FileReading.of(fixture.repository.appending("two")).text == "two\n")
  }

  /// Two that no ref led to, and no tree any more: the ref that holds both is a commit without files.
  @Test func `of several lost commits the last is shown, landed and restored`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create("w", ["detached": true])
    try AtomicFile.write("other\n", to: tree.appending("other"))
    try fixture.commitAll("given up", in: tree)
    try fixture.git(["checkout", "-q", "--detach", "main"], in: tree)
    try Self.commit(fixture, tree)
    let tip = try fixture.head(in: tree)
    try TreeRemoval.remove(tree)
    #expect(fixture.verb("remove")["parked"] == ["refs/looop/parked/w"])
    let shown = Self.work(fixture, "diff", "w")
    #expect(shown["tip"]?.string == tip && shown["files"] == 1 && shown["deletions"] == 0, "\(shown.compact)")
    #expect(Self.work(fixture, "land", "w")["commits"]?.array?.count == 1)
    #expect(try fixture.head("main") == tip && Files.exists(fixture.repository.appending("run.sh")))
    let restored = Self.work(fixture, "restore", "w")
    #expect(restored["ok"] == true, "\(restored.compact)")
    #expect(FileReading.of(tree.appending("work.txt")).text == "work\n" && Files.exists(tree.appending("run.sh")))
  }

  // MARK: - Names that are used again

  /// Starts `w`, has it commit a file of that name, and gives its sandbox back; answers what its record would say.
  private static func start(_ fixture: GitFixture, _ name: String, dirty: Bool = false) throws -> JSON {
    let started = Files.now
    let made = fixture.verb("create", "w", ["start": .string(name)])
    let tree = FilePath(try #require(made["path"]?.string, "\(made.compact)"))
    try AtomicFile.write(name, to: tree.appending(name))
    try fixture.commitAll(name, in: tree)
    if dirty { try AtomicFile.write("unsaved", to: tree.appending("unsaved")) }
    #expect(fixture.verb("remove")["outcome"]?.string == (dirty ? "parked" : "removed"))
    return ["repo": "web", "branch": made["branch"] ?? .null, "started_at": .int(started)]
  }

  private static func summaries(_ shown: JSON) -> [String]? {
    shown["commits"]?.array?.compactMap { $0["summary"]?.string }
  }

  @Test func `the last start's work is what is shown and landed`() throws {
    let fixture = try GitFixture()
    let records = try ["first", "second"].map { try Self.start(fixture, $0) }
    #expect(records.map { $0["branch"]?.string } == ["looop/w", "looop/w-2"])
    for (record, name) in zip(records, ["first", "second"]) {
      #expect(Self.summaries(Self.work(fixture, "diff", "w", ["last": record])) == [name])
    }
    #expect(Self.summaries(Self.work(fixture, "diff", "w-2")) == ["second"], "by its number")
    for verb in ["diff", "land"] {
      let refused = Self.work(fixture, verb, "w")
      #expect(refused["code"] == "conflict" && refused["message"]?.string?.contains("looop/w-2") == true)
      #expect(refused["hint"]?.string?.contains("TENANT/w-2") == true, "\(refused.compact)")
    }
    let landed = Self.work(fixture, "land", "w", ["last": records[1]])
    #expect(landed["branch"] == "looop/w-2" && landed["commits"]?.array?.count == 1, "\(landed.compact)")
    // A record that names what is not the worker's is no record.
    #expect(Self.work(fixture, "land", "w", ["last": ["branch": "main"]])["code"] == "conflict")
    try fixture.git(["branch", "-D", "looop/w-2"])
    #expect(Self.work(fixture, "land", "w", ["last": records[1]])["code"] == "not_found", "nor is it the first's")
  }

  @Test func `one of another worker's name is in nobody's way while it is at work there`() throws {
    let fixture = try GitFixture()
    _ = try Self.start(fixture, "first")
    try fixture.create("w-2")
    #expect(Self.summaries(Self.work(fixture, "diff", "w")) == ["first"])
  }

  @Test func `parked work of an earlier start gives way to the branch of the last`() throws {
    let fixture = try GitFixture()
    _ = try Self.start(fixture, "first", dirty: true)
    var record = try Self.start(fixture, "second")
    record["started_at"] = .int(Files.now + 1)
    let shown = Self.work(fixture, "diff", "w", ["last": record])
    #expect(shown["state"] == "branch" && Self.summaries(shown) == ["second"], "\(shown.compact)")
    #expect(Self.work(fixture, "diff", "w")["code"] == "conflict", "without a record nobody can tell")
    // Nor is it the last one's where that left nothing; it is not lost.
    try fixture.git(["branch", "-D", "looop/w-2"])
    try Self.expectNothingLeft(fixture, record)
    #expect(Self.work(fixture, "restore", "w", ["as": "again"])["ok"] == true)
  }

  private static func expectNothingLeft(_ fixture: GitFixture, _ record: JSON) throws {
    let before = try fixture.head("main")
    for verb in ["diff", "land"] {
      let refused = Self.work(fixture, verb, "w", ["last": record])
      #expect(refused["code"] == "not_found", "\(refused.compact)")
      let words = refused["message"]?.string ?? ""
      #expect(words.contains("the last start of w left nothing; refs/looop/parked/w"), "\(refused.compact)")
    }
    #expect(try fixture.head("main") == before)
  }

  /// Nothing in such a ref tells whose start it is of.
  @Test func `commits of an earlier start that no branch led to are not mixed with the last one's`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try fixture.git(["checkout", "-q", "--detach"], in: tree)
    try Self.commit(fixture, tree)
    try TreeRemoval.remove(tree)
    #expect(fixture.verb("remove")["parked"] == ["refs/looop/parked/w"])
    var record = try Self.start(fixture, "second")
    #expect(record["branch"] == "looop/w-2")
    for start in [Files.now - 60, Files.now + 1] {
      record["started_at"] = .int(start)
      let shown = Self.work(fixture, "diff", "w", ["last": record])
      #expect(shown["state"] == "branch" && Self.summaries(shown) == ["second"], "\(shown.compact)")
      #expect(shown["patch"]?.string?.contains("work.txt") == false && shown["files"] == 1, "\(shown.compact)")
      let dry = Self.work(fixture, "land", "w", ["last": record, "dry_run": true])
      #expect(shown["tip"]?.string == dry["tip"]?.string)
    }
    try fixture.git(["branch", "-D", "looop/w-2"])
    try Self.expectNothingLeft(fixture, record)
  }

  /// Makes a parked ref as anybody may.
  private static func forge(_ fixture: GitFixture, _ ref: String) throws {
    let script = """
      b=$(echo '{}' | git hash-object -w --stdin)
      t=$(printf '100644 blob %s\\tmanifest.json\\n' $b | git mktree)
      d=$(git commit-tree $t -m details </dev/null)
      git update-ref \(ref) $(git commit-tree HEAD^{tree} -p HEAD -p $d -m parked </dev/null)
      """
    let made = try RunningProcess.run(
      "/bin/sh", ["-ec", script], environment: GitFixture.identity, directory: fixture.repository)
    #expect(made.exitCode == 0, "\(made.errors)")
  }

  @Test func `a parked ref that cannot be read is in nobody's way, or is told with the way out`() throws {
    let fixture = try GitFixture()
    let record = try Self.start(fixture, "first", dirty: true)
    try Self.forge(fixture, "refs/looop/parked/w-7")
    for verb in ["diff", "land"] {
      let answer = Self.work(fixture, verb, "w", ["last": record, "dry_run": true])
      #expect(answer["ok"] == true && answer["unsaved"] == 1, "\(answer.compact)")
    }
    try fixture.git(["update-ref", "-d", "refs/looop/parked/w"])
    try Self.forge(fixture, "refs/looop/parked/w")
    let refused = Self.work(fixture, "diff", "w", ["last": record])
    #expect(refused["code"] == "unsupported", "\(refused.compact)")
    let wayOut = try #require(refused["hint"]?.string?.split(separator: "it: ").last, "\(refused.compact)")
    #expect(try RunningProcess.shell(String(wayOut)).exitCode == 0)
    #expect(Self.summaries(Self.work(fixture, "diff", "w", ["last": record])) == ["first"])
  }

  @Test func `of parked work the newest of that worker is meant`() throws {
    let fixture = try GitFixture()
    _ = try Self.start(fixture, "first", dirty: true)
    let record = try Self.start(fixture, "second", dirty: true)
    #expect(try fixture.git(["for-each-ref", "--format=%(refname)", "refs/looop"]).split(separator: "\n").count == 2)
    for more in [[:], ["last": record]] {
      let shown = Self.work(fixture, "diff", "w", more)
      #expect(shown["state"] == "parked" && Self.summaries(shown) == ["second"], "\(shown.compact)")
    }
    #expect(Self.summaries(Self.work(fixture, "diff", "w-2")) == ["second"], "as it is listed")
    // Of a worker who is called so it says that it is that one's.
    let tree = try fixture.create("w-3")
    try AtomicFile.write("third", to: tree.appending("third"))
    #expect(fixture.verb("remove", "w-3")["parked"] == ["refs/looop/parked/w-3"])
    #expect(Self.summaries(Self.work(fixture, "diff", "w")) == ["second"])
  }

  @Test func `restored work is kept for whoever restored it, until a worker goes on in it`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    try AtomicFile.write("x\n", to: tree.appending("x"))
    let contents = try fixture.contents(tree)
    #expect(fixture.verb("remove")["outcome"] == "parked")
    let restored = Self.work(fixture, "restore", "w", ["as": "again", "by": "carol"])
    let place = FilePath(try #require(restored["path"]?.string, "\(restored.compact)"))
    #expect(place.lastComponent?.string == "again")
    #expect(try fixture.contents(place) == contents)
    let kept = fixture.verb("remove", "again")
    #expect(kept["outcome"] == "kept" && kept["reason"]?.string?.contains("by carol") == true, "\(kept.compact)")
    #expect(Self.work(fixture, "restore", "w", ["as": "again"])["code"] == "exists")
    #expect(Self.work(fixture, "restore", "nobody")["code"] == "not_found")
    let adopted = fixture.verb("create", "again")
    #expect(adopted["from"] == "existing")
    #expect(try fixture.contents(place) == contents)
    #expect(fixture.verb("remove", "again")["outcome"] == "parked")
  }

  @Test func `one broken repository does not hide the others`() throws {
    let fixture = try GitFixture()
    try fixture.create()
    let repos: JSON = ["web": .string(fixture.repository.string), "gone": "/nonexistent/repo"]
    let tended = Self.work(fixture, "tend", "w", ["repos": repos, "live": ["w"], "worker": .null])
    #expect(tended["broken"]?.array?.count == 1 && (tended["total_bytes"]?.int ?? 0) > 0, "\(tended.compact)")
    #expect(tended["sandboxes"]?.array?.first?["state"] == "in_use")
    #expect(Self.work(fixture, "diff", "w", ["repos": repos])["ok"] == true)
    // One that opens and cannot be read.
    let broken = fixture.scratch.appending("broken")
    try fixture.git(["clone", "-q", fixture.repository.string, broken.string])
    try AtomicFile.write("garbage", to: broken.appending(".git/packed-refs"))
    try AtomicFile.write("x", to: fixture.root.appending("trees/w/x"))
    #expect(fixture.verb("remove")["outcome"] == "parked")
    let both: JSON = ["web": .string(fixture.repository.string), "aa": .string(broken.string)]
    for verb in ["diff", "restore"] {
      let answer = Self.work(fixture, verb, "w", ["repos": both])
      #expect(answer["ok"] == true, "\(answer.compact)")
    }
  }
}
