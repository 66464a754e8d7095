import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// The helper, killed before each call with which it changes names or makes files: `strace` lets it come just so far.
///
/// `LOOOP_TEST_STEP_STRIDE`: at every how many-th of these calls; 1 is all of them.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"),
  .enabled(if: Tracing.isPossible, "needs strace, and to be let trace with it"))
struct SandboxStepTests {
  static let stride = HostEnvironment.current()["LOOOP_TEST_STEP_STRIDE"].flatMap { Int($0) } ?? 6

  private static let calls =
    "mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,open,openat,creat"

  /// Only the main thread is followed: it does all of it, and its calls count the same each time.
  private static func strace(_ options: [String], _ verb: String, _ request: JSON) throws -> FinishedProcess {
    try RunningProcess.run(
      "/usr/bin/strace",
      ["-qq", "-e", "trace=\(calls)"] + options + [BuiltProducts.looopFleet.string, "_sandbox", verb],
      input: request.compact)
  }

  /// The number of each call that changes something, as `strace` counts them.
  private static func steps(_ fixture: GitFixture, _ verb: String, _ request: JSON) throws -> [Int] {
    let trace = fixture.scratch.appending("trace")
    let done = try strace(["-o", trace.string], verb, request)
    #expect((try? JSON(parsing: done.output))?["ok"] == true, "\(verb): \(done.output)\(done.errors)")
    let lines = (FileReading.of(trace, maximumBytes: 1 << 24).text ?? "").split(separator: "\n")
    return lines.indices.filter { index in
      let line = lines[index]
      return line.contains(" = ") && !line.contains(" = -1 ") && (!line.hasPrefix("open") || line.contains("O_CREAT"))
    }.map { $0 + 1 }
  }

  /// Kills `verb` at some of its steps, from `prepare` each time, and has `examine` look at what is left.
  private static func kill(
    _ fixture: GitFixture, _ verb: String, _ request: JSON, prepare: () throws -> Void,
    examine: (_ number: Int, _ place: String) throws -> Void
  ) throws {
    // Once without a trace: what is made at the first time only is no step of the second.
    try prepare()
    #expect(SandboxVerb.run(verb, request: request)["ok"] == true)
    try examine(0, "untouched")
    try prepare()
    let steps = try steps(fixture, verb, request)
    #expect(steps.count > 20, "\(verb): \(steps)")
    try examine(1, "traced")
    var killed = 0
    // Another beginning each time: in the long run all are met.
    let first = Int.random(in: 0..<min(stride, steps.count))
    for (number, index) in Swift.stride(from: first, to: steps.count, by: stride).enumerated() {
      try prepare()
      let done = try strace(
        ["-o", "/dev/null", "-e", "inject=\(calls):signal=KILL:when=\(steps[index])"], verb, request)
      if done.reason == .signal(SIGKILL) { killed += 1 }
      try examine(number, "killed before step \(index + 1) of \(steps.count)")
    }
    #expect(killed > 0)
  }

  /// All names in the sandboxes' place and in git's, but for what grows by itself.
  private static func names(_ fixture: GitFixture) throws -> Set<String> {
    let common = fixture.repository.appending(".git")
    let found = try RunningProcess.run(
      "/usr/bin/find", [fixture.root.string, common.string, "-path", "\(common)/objects", "-prune", "-o", "-print"])
    return Set(found.output.split(separator: "\n").map(String.init))
  }

  private static func sweep(_ fixture: GitFixture) {
    let swept = fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])
    #expect(swept["ok"] == true && swept["skipped"] == [], "\(swept.compact)")
  }

  private static func expectSound(_ fixture: GitFixture, worktrees: Int) throws {
    #expect(!(try fixture.git(["fsck", "--no-dangling"])).contains("error"))
    let listed = try fixture.git(["worktree", "list", "--porcelain"])
    #expect(listed.split(separator: "\n").count { $0.hasPrefix("worktree ") } == worktrees, "\(listed)")
    #expect(!listed.contains("prunable"), "\(listed)")
  }

  /// Furnished: with files that git does not carry and a setup. All of that is there in the end, whole, and none of it is a worker's.
  @Test(arguments: ["plain", "furnished"]) func `a creation, killed at each step`(_ how: String) throws {
    let fixture = try GitFixture(files: 6)
    var (more, ignored): ([String: JSON], String) = (["threads": 1], "")
    if how == "furnished" {
      try fixture.scratch.write(".env\n", to: "source/.worktreeinclude")
      try fixture.commitAll("include")
      try fixture.scratch.write("SECRET=1\n", to: "source/.env")
      more["setup"] = "echo made >made.log"
      ignored = "!! .env\n!! made.log\n"
    }
    var expected = try fixture.contents(fixture.repository)
    if how == "furnished" { expected["made.log"] = "\(String(0o666 & ~Files.creationMask, radix: 8)) made%0A" }
    var before: Set<String>?
    try Self.kill(fixture, "create", fixture.request("w", more)) {
    } examine: { number, place in
      let tree = fixture.root.appending("trees/w")
      // Either the sweep comes first, or the next start of the worker.
      if number % 2 == 0 {
        Self.sweep(fixture)
        #expect(try fixture.debris() == [], "\(place)")
        try Self.expectSound(fixture, worktrees: Files.exists(tree) ? 2 : 1)
      }
      let made = fixture.verb("create", "w", more)
      #expect(made["ok"] == true && made["branch"] == "looop/w", "\(place): \(made.compact)")
      #expect(try fixture.contents(tree) == expected, "\(place)")
      #expect(try fixture.git(["status", "--porcelain", "--ignored"], in: tree) == ignored, "\(place)")
      try Self.expectSound(fixture, worktrees: 2)
      let removed = fixture.verb("remove")
      #expect(removed["outcome"] == "removed", "\(place): \(removed.compact)")
      Self.sweep(fixture)
      #expect(try fixture.debris() == [], "\(place)")
      let after = try Self.names(fixture)
      if let before { #expect(after.subtracting(before) == [], "\(place)") }
      before = before ?? after
    }
  }

  private static let work =
    "echo more >>run.sh; chmod 600 run.sh; rm link; ln -s else link; echo new >dir0/new; mv dir1 moved"

  @Test(arguments: ["remove", "restore"]) func `what takes away and what brings back, killed at each step`(
    _ verb: String
  ) throws {
    let fixture = try GitFixture(files: 6)
    let tree = try fixture.create()
    let done = try RunningProcess.run("/bin/sh", ["-ec", Self.work], directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    let expected = try fixture.contents(tree)
    var before: Set<String>?
    try Self.kill(fixture, verb, fixture.request("w")) {
      if verb == "restore" { #expect(fixture.verb("remove")["outcome"] == "parked") }
    } examine: { number, place in
      if number % 2 == 0 { Self.sweep(fixture) }
      // Whoever died may have come to the end of it; what it had parked by then stays parked.
      if Files.exists(tree) {
        #expect(try fixture.contents(tree) == expected, "\(place)")
        if verb == "remove" { #expect(fixture.verb("remove")["outcome"] == "parked", "\(place)") }
      } else if verb == "remove" {
        #expect(fixture.verb("remove")["removed"] == true, "\(place)")
      }
      if !Files.exists(tree) {
        // Without a sweep a restoration's registration may still wait for its tree.
        if number % 2 == 0 { try Self.expectSound(fixture, worktrees: 1) }
        let restored = fixture.verb("restore")
        #expect(restored["ok"] == true, "\(place): \(restored.compact)")
      }
      #expect(try fixture.contents(tree) == expected, "\(place)")
      try Self.expectSound(fixture, worktrees: 2)
      Self.sweep(fixture)
      #expect(try fixture.debris() == [], "\(place)")
      try fixture.git(["worktree", "unlock", tree.string])
      for ref in try fixture.git(["for-each-ref", "--format=%(refname)", "refs/looop/parked"]).split(separator: "\n") {
        try fixture.git(["update-ref", "-d", String(ref)])
      }
      let after = try Self.names(fixture)
      if let before { #expect(after.subtracting(before) == [], "\(place)") }
      before = before ?? after
    }
  }
}

private enum Tracing {
  static let isPossible: Bool = {
    let tried = try? RunningProcess.run(
      "/usr/bin/strace", ["-qq", "-o", "/dev/null", "-e", "inject=getpid:signal=KILL:when=1", "/bin/sh", "-c", ":"])
    return tried.map { $0.reason == .code(0) || $0.reason == .signal(SIGKILL) } ?? false
  }()
}
