import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite(.serialized) struct SandboxCrashTests {
  /// Eight at a time, many of them killed at a random moment, names used again and again.
  @Test(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"), .timeLimit(.minutes(10)))
  func `concurrent creations survive kill -9`() throws {
    let wanted = HostEnvironment.current()["LOOOP_TEST_CREATIONS"].flatMap { Int($0) } ?? 120
    let fixture = try GitFixture(files: 300)
    var generator = SystemRandomNumberGenerator()
    var (started, failures, killed) = (0, [String](), 0)
    while started < wanted {
      let batch: [(String, RunningProcess, UInt32?)] = try (0..<8).map { number in
        let worker = "w\((started + number) % 40)"
        let process = try RunningProcess(
          BuiltProducts.looopFleet, ["_sandbox", "create"], environment: [:], directory: fixture.scratch.path)
        process.write(fixture.request(worker).compact)
        process.closeInput()
        let doomed = Bool.random(using: &generator)
        return (worker, process, doomed ? UInt32.random(in: 1000...60_000, using: &generator) : nil)
      }
      started += batch.count
      for (_, process, delay) in batch {
        guard let delay else { continue }
        usleep(delay / 8)
        process.signal(SIGKILL)
        killed += 1
      }
      for (worker, process, delay) in batch {
        let reason = process.wait(within: 60)
        guard delay == nil else { continue }
        let answer = try? JSON(parsing: process.output)
        if reason != .code(0) || answer?["ok"] != true {
          failures.append("\(worker): \(process.output)\(process.errors)")
        }
      }
      // Make room for the names to be used again.
      for (worker, _, _) in batch where Bool.random(using: &generator) {
        let answer = fixture.verb("remove", worker, ["sweep": false])
        if answer["removed"] != true { failures.append("remove \(worker): \(answer.compact)") }
      }
    }
    #expect(failures == [])
    #expect(killed > 0)
    #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["ok"] == true)
    #expect(try fixture.debris() == [])
    for name in Files.names(fixture.root.appending("trees")) {
      let tree = fixture.root.appending("trees").appending(name)
      #expect(try fixture.git(["status", "--porcelain"], in: tree) == "")
      try fixture.commitAll("after", in: tree)
      // A retry of the same name answers with what is there.
      #expect(fixture.verb("create", name)["from"] == "existing")
    }
    #expect(!(try fixture.git(["fsck", "--no-dangling"])).contains("error"))
    #expect(try !fixture.git(["worktree", "list"]).contains("prunable"))
  }

  /// Whoever is killed while it writes a ref leaves its lock file for ever.
  @Test func `a dead writer's lock is in nobody's way`() throws {
    let fixture = try GitFixture()
    let lock = fixture.repository.appending(".git/refs/heads/looop/w.lock")
    let others = fixture.repository.appending(".git/refs/heads/main.lock")
    try Directory.create(lock.removingLastComponent())
    for path in [lock, others] {
      try AtomicFile.write("", to: path)
      let aged = try RunningProcess.run("/usr/bin/touch", ["-d", "1 minute ago", path.string])
      #expect(aged.exitCode == 0)
    }
    #expect(fixture.verb("create")["branch"] == "looop/w")
    #expect(!Files.exists(lock) && Files.exists(others), "others' locks are theirs")
    try AtomicFile.write("", to: lock)
    #expect(fixture.verb("sweep", "x", ["grace_s": 0])["ok"] == true)
    #expect(try fixture.debris() == [])
  }

  /// A death between any two renames of a removal leaves what the next pass finishes.
  @Test func `a removal that was cut off is finished`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let aside = fixture.root.appending("trash/w.dead")
    try Directory.create(aside)
    try Files.move(tree, to: aside.appending("tree"))
    let swept = fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])
    #expect(swept["undone"] == ["w"])
    #expect(try fixture.debris() == [])
    #expect(Files.names(fixture.root.appending("trash")) == [])
    #expect(fixture.verb("create")["branch"] == "looop/w")
  }

  /// It was looked at, moved aside, changed through what was open before, and then its remover died: nobody else has that change.
  private static func cutOff() throws -> (fixture: GitFixture, tree: FilePath, layout: SandboxLayout) {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let layout = SandboxLayout(root: fixture.root)
    var removal = SandboxRemoval(
      layout: layout, worker: try SandboxName("w"), repositoryName: try SandboxName("web"),
      common: fixture.repository.appending(".git"))
    removal.aside = { aside in
      try AtomicFile.write("late\n", to: aside.appending("run.sh"))
      throw SandboxError(.failed, "killed here")
    }
    #expect(throws: SandboxError.self) { try removal.run() }
    #expect(!Files.exists(tree) && Files.names(layout.trash).count == 1)
    return (fixture, tree, layout)
  }

  /// Room would be made of what is in the trash, if that may go.
  private static func expectNoRoom(_ fixture: GitFixture) throws {
    let refused = fixture.verb("create", "other", ["disk_max_bytes": .int(DiskUse.of(fixture.root).bytes)])
    #expect(refused["code"] == "no_space", "\(refused.compact)")
  }

  @Test(arguments: ["sweep", "remove", "create", "quota", "sweep elsewhere"])
  func `a tree whose remover died goes back with what changed at last`(_ next: String) throws {
    let (fixture, tree, layout) = try Self.cutOff()
    switch next {
    case "sweep": #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["restored"] == ["w"])
    case "remove": #expect(fixture.verb("remove")["outcome"] == "parked")
    case "create": #expect(fixture.verb("create")["from"] == "existing")
    case "quota":
      try Self.expectNoRoom(fixture)
    default:
      #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0, "repos": [:]])["deleted"] == 0)
      #expect(Files.names(layout.trash).count == 1, "not without its repository")
    }
    let last = fixture.verb("remove")
    if next == "remove" { #expect(last["ok"] == true) } else { #expect(last["outcome"] == "parked", "\(last.compact)") }
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(FileReading.of(tree.appending("run.sh")).text == "late\n")
  }

  @Test(arguments: ["sweep", "quota"]) func `one whose place was made anew stays aside until that is gone`(
    _ next: String
  ) throws {
    let (fixture, tree, layout) = try Self.cutOff()
    try Directory.create(tree)
    try AtomicFile.write("anew\n", to: tree.appending("x"))
    if next == "sweep" {
      let swept = fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])
      #expect(swept["deleted"] == 0 && swept["skipped"]?.array?.count == 1, "\(swept.compact)")
      #expect(swept["skipped"]?.array?.first?.string?.contains(layout.trash.string) == true)
    } else {
      try Self.expectNoRoom(fixture)
    }
    #expect(Files.names(layout.trash).count == 1 && FileReading.of(tree.appending("x")).text == "anew\n")
    try TreeRemoval.remove(tree)
    #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["restored"] == ["w"])
    #expect(FileReading.of(tree.appending("run.sh")).text == "late\n")
  }

  /// Without the registration the sweep would take the tree aside for any other.
  @Test func `nor is its registration taken away by a directory that claims to be it`() throws {
    let (fixture, tree, layout) = try Self.cutOff()
    try Directory.create(tree)
    try AtomicFile.write("gitdir: \(fixture.repository)/.git/worktrees/w\n", to: tree.appending(".git"))
    let kept = fixture.verb("remove")
    #expect(kept["outcome"] == "kept", "\(kept.compact)")
    #expect(kept["reason"]?.string?.contains(layout.trash.string) == true, "\(kept.compact)")
    try TreeRemoval.remove(tree)
    #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["restored"] == ["w"])
    #expect(FileReading.of(tree.appending("run.sh")).text == "late\n")
  }

  /// It makes a place for its tree and then moves it there; who makes room meanwhile must not take the place away.
  @Test func `a removal that has just begun is left alone by whoever makes room`() throws {
    let fixture = try GitFixture()
    try fixture.create()
    let place = fixture.root.appending("trash/v.begun")
    try Directory.create(place)
    try AtomicFile.write("{}\n", to: place.appending("note.json"))
    try Self.expectNoRoom(fixture)
    #expect(Files.exists(place))
    #expect(try RunningProcess.run("/usr/bin/touch", ["-d", "1 minute ago", place.string]).exitCode == 0)
    let limit = JSON.int(DiskUse.of(fixture.root).bytes)
    #expect(fixture.verb("create", "other", ["disk_max_bytes": limit])["ok"] == true)
    #expect(!Files.exists(place))
  }

  /// The tree of an earlier sandbox of the same name is no later one's.
  @Test func `what an earlier removal left is not put into a later one's place`() throws {
    let fixture = try GitFixture()
    try fixture.create()
    #expect(fixture.verb("remove", "w", ["sweep": false])["outcome"] == "removed")
    let tree = try fixture.create("w", ["detached": true])
    try TreeRemoval.remove(tree)
    #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["restored"] == [])
    #expect(!Files.exists(tree))
  }

  /// Commits on no branch are anchored even when only the admin directory is left to tell of them.
  @Test func `a lost tree does not lose its commits`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create("w", ["detached": true])
    try AtomicFile.write("x", to: tree.appending("x"))
    try fixture.commitAll("lonely", in: tree)
    let lonely = try fixture.head(in: tree)
    try TreeRemoval.remove(tree)
    #expect(fixture.verb("remove")["parked"] == ["refs/looop/parked/w"])
    #expect(try fixture.head("refs/looop/parked/w") == lonely)
    #expect(try fixture.debris() == [])
  }
}
