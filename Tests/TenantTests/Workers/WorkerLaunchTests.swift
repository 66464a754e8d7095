import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct WorkerLaunchTests {
  @Test func `a path with a quote is still one word`() throws {
    let run = try RunningProcess.shell("printf '[%s]' \("it's a $(x) `y` \"z\"".shellWord)")
    #expect(run.output == "[it's a $(x) `y` \"z\"]")
  }

  @Test(arguments: ["{{model}} {{prompt_file}}", "x {{thinking}} {{prompt_file}}", "claude"])
  func `templates that would start the wrong thing`(_ template: String) {
    #expect(CommandTemplate.problem(template) != nil)
  }

  @Test func `retries start again, and end with the last status`() throws {
    let scratch = try ScratchDirectory()
    let count = scratch.appending("count").string
    let retries = CommandTemplate.Retries(count: 2, match: "", sleepSeconds: 0)
    let text = CommandTemplate.retrying(
      "echo x >> \(count); exit 5", retries, outputLog: scratch.appending("log").string)
    #expect(try RunningProcess.shell(text).exitCode == 5)
    #expect(scratch.read("count") == "x\nx\nx\n")
    let second = CommandTemplate.retrying(
      "echo y >> \(count); test $(wc -l < \(count)) -gt 4", retries, outputLog: "/nonexistent")
    #expect(try RunningProcess.shell(second).exitCode == 0)
    #expect(CommandTemplate.retrying("cmd", .init(), outputLog: "x") == "cmd")
  }

  @Test func `output that matches is a failure too`() throws {
    let scratch = try ScratchDirectory()
    let log = scratch.appending("log").string
    let retries = CommandTemplate.Retries(count: 1, match: "rate.limit", sleepSeconds: 0)
    let text = CommandTemplate.retrying(
      "if [ -e \(log) ]; then echo fine >> \(log); else echo 'Rate Limit' >> \(log); fi", retries, outputLog: log)
    #expect(try RunningProcess.shell(text).exitCode == 0)
    #expect(scratch.read("log") == "Rate Limit\nfine\n")
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var wish: WorkerWish
    var command: String = "bash {{prompt_file}}"
    var says: String

    init(_ name: String, _ wish: WorkerWish, command: String = "bash {{prompt_file}}", says: String) {
      testDescription = name
      self.wish = wish
      self.command = command
      self.says = says
    }
  }

  static let refused = [
    Refused("bad id", WorkerWish(id: "a/b", prompt: "x"), says: "invalid worker"),
    Refused("id for files but not for sessions", WorkerWish(id: "wörker", prompt: "x"), says: "invalid worker"),
    Refused("the loop's own id", WorkerWish(id: "pulse", prompt: "x"), says: "pulse"),
    Refused("empty prompt", WorkerWish(id: "w", prompt: " \n "), says: "empty"),
    Refused("no command", WorkerWish(id: "w", prompt: "x"), command: " ", says: "no worker command"),
    Refused("no placeholder", WorkerWish(id: "w", prompt: "x"), command: "bash", says: "{{prompt_file}}"),
    Refused(
      "no placeholder in the override", WorkerWish(id: "w", prompt: "x", command: "bash"), says: "{{prompt_file}}"),
    Refused("a sandbox without a fleet", WorkerWish(id: "w", prompt: "x", repo: "web"), says: "fleet"),
    Refused("a base without a fleet", WorkerWish(id: "w", prompt: "x", base: "main"), says: "fleet"),
    Refused("bad goal", WorkerWish(id: "w", prompt: "x", goal: "../x"), says: "invalid goal"),
  ]

  @Test(arguments: refused) func `what cannot start is refused before anything is written`(_ given: Refused) throws {
    let fixture = try SessionFixture()
    let error = #expect(throws: (any Error).self) { try fixture.launcher(given.command).start(given.wish) }
    #expect("\(try #require(error))".contains(given.says))
    #expect(fixture.scratch.names("d/workers") == [])
    #expect(fixture.scratch.names("d/prompts") == [])
    #expect(fixture.scratch.names("d/sessions") == [])
  }

  @Test func `a configuration that cannot be loaded is refused`() throws {
    let fixture = try SessionFixture()
    struct Broken: Error {}
    let launch = WorkerLaunch(
      fixture.data, environment: fixture.environment, binary: BuiltProducts.looop, clock: .system
    ) { throw Broken() }
    let refusal = #expect(throws: Refusal.self) { try launch.start(WorkerWish(id: "w", prompt: "x")) }
    #expect(refusal?.cause.contains("configuration") == true)
  }

  @Test func `in a fleet a wish waits, and is started or refused there`() throws {
    let fixture = try SessionFixture()
    try fixture.scratch.write(#"{"v":1,"socket":"/s","tenant":"t"}"#, to: "d/.fleet.json")
    var launch = fixture.launcher()
    launch.maximumWorkers = 1
    for id in ["a", "b"] {
      let record = try launch.start(WorkerWish(id: id, prompt: "echo hi", goal: "g", repo: "web", base: "main"))
      #expect(record.phase == .pending)
    }
    #expect(throws: Refusal.self) { try launch.start(WorkerWish(id: "a", prompt: "x")) }
    let json = try #require(fixture.scratch.json("d/workers/a.json"))
    #expect(json["repo"] == "web")
    #expect(json["phase"] == "pending")
    #expect(fixture.scratch.read("d/workers/a.md") == "echo hi\n")
    try launch.refuse("a", reason: "no such repository")
    #expect(fixture.scratch.json("d/workers/a.json")?["reason"] == "no such repository")
    #expect(throws: Refusal.self) { try launch.refuse("a", reason: "again") }
    #expect(throws: Refusal.self) { try launch.launch("a") }
    #expect(throws: Refusal.self) { try launch.launch("nobody") }
    #expect(try WorkerKill(fixture.data).kill("b", reason: "not needed", now: 5) == "b")
    let withdrawn = fixture.scratch.json("d/workers/b.json")
    #expect(withdrawn?["phase"] == "failed")
    #expect(withdrawn?["reason"]?.string?.contains("not needed") == true)
    // The failed id is free again.
    #expect(try launch.start(WorkerWish(id: "a", prompt: "x")).phase == .pending)
  }

  @Test func `fields that are not ours survive`() throws {
    let fixture = try SessionFixture()
    var record = WorkerRecord(id: "w", requestedAt: 1, generation: "g")
    var json = record.json
    json["theirs"] = "kept"
    try Directory.create(fixture.data.workers)
    try StateFile.write(json, to: fixture.data.worker("w"))
    record.phase = .failed
    try WorkerRecords(fixture.data).write(record)
    #expect(fixture.scratch.json("d/workers/w.json")?["theirs"] == "kept")
    record.generation = "h"
    try WorkerRecords(fixture.data).write(record)
    #expect(fixture.scratch.json("d/workers/w.json")?["theirs"] == nil)
  }

  private static func session(_ state: Session.State, alive: Bool, code: Int64? = nil) -> Session {
    Session(
      id: "w", state: state, command: [], exitCode: code, holder: 1, identity: nil, childPid: nil, startedAt: 5,
      lastChange: 6, isAlive: alive)
  }

  @Test(arguments: [
    (WorkerRecord.Phase.pending, nil as Session?, 100 as Int64, WorkerRecord.Phase.pending, nil as String?),
    (.failed, session(.running, alive: true), 100, .failed, nil),
    (.starting, nil, 20, .starting, nil), (.starting, nil, 100, .failed, "its launcher died"),
    (.running, nil, 100, .failed, "its session is gone"),
    (.starting, session(.running, alive: true), 100, .running, nil),
    (.running, session(.exited, alive: false, code: 0), 100, .exited, nil),
    (.running, session(.exited, alive: false, code: 3), 100, .exited, "exit code 3"),
    (.running, session(.killed, alive: false), 100, .exited, "killed"),
    (.running, session(.running, alive: false), 100, .exited, "its holder died"),
  ]) func `a record is corrected by what its session shows`(
    _ phase: WorkerRecord.Phase, _ session: Session?, _ now: Int64, _ expected: WorkerRecord.Phase, _ reason: String?
  ) {
    var record = WorkerRecord(id: "w", requestedAt: 0, generation: "g")
    record.phase = phase
    let observed = WorkerRecords.observed(record, session: session, now: now)
    #expect(observed.phase == expected)
    #expect(observed.reason == reason)
  }

  @Test func `the contract names what a worker must know`() {
    let plain = WorkerContract.prompt(id: "fix", dataDir: "/d", goal: "g", sandbox: nil, brief: "Do it.")
    for needle in [
      "worker `fix`", #""$LOOOP_BIN" ask fix --prompt"#, #""$LOOOP_BIN" told"#, #""$LOOOP_BIN" kill fix"#, "claim",
      "reports/",
      "git worktree add /tmp/fix -b looop/fix", "goals/g.md", "Never write snapshots/",
    ] { #expect(plain.contains(needle), "\(needle)") }
    #expect(plain.hasSuffix("Your brief\nDo it.\n"))
    let boxed = WorkerContract.prompt(
      id: "fix", dataDir: "/d", goal: nil, sandbox: .init(path: "/s/fix", branch: "looop/fix-2"), brief: "x\n")
    #expect(boxed.contains("/s/fix, is your own git worktree, on branch looop/fix-2"))
    #expect(
      boxed.contains("$LOOOP_PORT_BASE") && boxed.contains("below $TMPDIR") && !plain.contains("$LOOOP_PORT_BASE"))
    #expect(boxed.contains("Merging, pushing and deleting branches needs an ask"))
    #expect(!boxed.contains("git worktree add"))
  }
}

@Suite(.enabled(if: BuiltProducts.has("looop"), "needs the built looop"), .timeLimit(.minutes(2)))
struct WorkerRunTests {
  @Test func `a worker starts with its contract, environment and record`() throws {
    let fixture = try SessionFixture()
    let wish = WorkerWish(
      id: "w", prompt: "the brief",
      command:
        "env > \(fixture.place("env")); pwd > \(fixture.place("pwd")); cp {{prompt_file}} \(fixture.place("prompt")); sleep 600",
      verify: "true", goal: "g")
    let record = try fixture.launcher().start(wish)
    #expect(record.phase == .running)
    #expect(record.process?.isAlive == true)
    #expect(eventually { fixture.scratch.read("prompt")?.hasSuffix("the brief\n") == true })
    let environment = try #require(fixture.scratch.read("env"))
    for line in [
      "LOOOP_SESSION_ID=w", "BABYSIT_SESSION_ID=w", "LOOOP_BIN=\(BuiltProducts.looop)",
      "LOOOP_DATA_DIR=\(fixture.data.root)",
      "LOOOP_CLAIMS_DIR=\(fixture.data.claims)", "LOOOP_REPORTS_DIR=\(fixture.data.reports)", "LOOOP_GOAL=g",
    ] { #expect(environment.contains(line + "\n"), "\(line)") }
    #expect(fixture.scratch.read("pwd") == fixture.data.root.string + "\n")
    #expect(fixture.scratch.read("d/verify/w.cmd") == "true")
    #expect(throws: Refusal.self) { try fixture.launcher().start(wish) }
    // Killed: the obligation stays, undelivered tells go.
    try Tells(fixture.data).queue("x", for: "w", now: 1)
    try WorkerKill(fixture.data).kill("looop-w", now: 5)
    #expect(fixture.scratch.exists("d/verify/w.cmd"))
    #expect(try Tells(fixture.data).pending("w") == [])
    #expect(fixture.scratch.json("d/workers/w.json")?["phase"] == "exited")
    // The id again: what the predecessor left is cleared.
    var again = wish
    again.verify = nil
    #expect(try fixture.launcher().start(again).phase == .running)
    #expect(!fixture.scratch.exists("d/verify/w.cmd"))
  }

  @Test func `a fleet starts the worker in its sandbox`() throws {
    let fixture = try SessionFixture()
    try fixture.scratch.write("{}", to: "d/.fleet.json")
    let box = fixture.scratch.appending("box")
    try Directory.create(box)
    let launch = fixture.launcher()
    try launch.start(
      WorkerWish(
        id: "w", prompt: "x", command: "pwd > out; env >> out; echo {{prompt_file}} > /dev/null; sleep 600", repo: "web"
      ))
    let record = try launch.launch(
      "w", sandbox: box, branch: "looop/w", environment: ["TMPDIR": "/own/tmp", "LOOOP_PORT_BASE": "20000"])
    #expect(record.phase == .running)
    #expect(record.branch == "looop/w")
    #expect(eventually { fixture.scratch.read("box/out")?.contains("LOOOP_SANDBOX=\(box)") == true })
    #expect(fixture.scratch.read("box/out")?.hasPrefix(box.string + "\n") == true)
    #expect(fixture.scratch.read("box/out")?.contains("TMPDIR=/own/tmp\n") == true)
    #expect(fixture.scratch.read("box/out")?.contains("LOOOP_PORT_BASE=20000\n") == true)
    #expect(fixture.scratch.read("d/prompts/w.md")?.contains("on branch looop/w.") == true)
    // Asked again by a fleet that was restarted meanwhile: the same session.
    #expect(try launch.launch("w", sandbox: box, branch: "looop/w").process == record.process)
  }

  @Test func `the limit counts live workers only`() throws {
    let fixture = try SessionFixture()
    var launch = fixture.launcher()
    launch.maximumWorkers = 2
    try launch.start(WorkerWish(id: "done", prompt: "exit 0"))
    #expect(try eventually { try !fixture.session("done").isAlive })
    try launch.start(WorkerWish(id: "a", prompt: "x", command: "sleep 600 # {{prompt_file}}"))
    try launch.start(WorkerWish(id: "b", prompt: "x", command: "sleep 600 # {{prompt_file}}"))
    let refusal = #expect(throws: Refusal.self) { try launch.start(WorkerWish(id: "c", prompt: "x")) }
    #expect(refusal?.code == .limit)
    launch.maximumWorkers = 0
    #expect(try launch.start(WorkerWish(id: "c", prompt: "sleep 600")).phase == .running)
  }

  @Test func `a launch that fails says why in its record`() throws {
    let fixture = try SessionFixture()
    let launch = WorkerLaunch(
      fixture.data, environment: fixture.environment, binary: "/nonexistent/looop", clock: .system
    ) { "bash {{prompt_file}}" }
    #expect(throws: (any Error).self) { try launch.start(WorkerWish(id: "w", prompt: "x", verify: "true")) }
    #expect(fixture.scratch.json("d/workers/w.json")?["phase"] == "failed")
    #expect(!fixture.scratch.exists("d/verify/w.cmd"))
  }

  @Test func `a worker that ends itself`() throws {
    let fixture = try SessionFixture()
    try fixture.launcher().start(
      WorkerWish(id: "w", prompt: "x", command: "\"$LOOOP_BIN\" kill w; sleep 600 # {{prompt_file}}"))
    #expect(try eventually { try fixture.session("w").state == .killed })
    Reaper(fixture.data).run(try Sessions.list(fixture.data), now: HostClock.system.now)
    #expect(fixture.scratch.json("d/workers/w.json")?["phase"] == "exited")
  }

  @Test func `a wish that takes an ended worker's id while a beat settles it is not lost`() async throws {
    let fixture = try SessionFixture()
    let (data, records) = (fixture.data, WorkerRecords(fixture.data))
    try fixture.write(
      session: "w", meta: ["id": "w", "cmd": ["bash"], "babysit_pid": 1], status: ["state": "exited", "exit_code": 0])
    var old = WorkerRecord(id: "w", requestedAt: 1000, generation: "1-1-old")
    old.phase = .running
    try records.write(old)
    let wish = WorkerRecord(id: "w", requestedAt: 2000, generation: "1-1-new")
    let beat = try records.locked {
      let beat = Task.detached { try Reaper(data).run(Sessions.list(data), now: 3000) }
      let lock = data.workers.appending(".dirlock").string
      #expect(
        try eventually {
          try RunningProcess.shell("grep -q -- \"-> FLOCK.*:$(stat -c %i '\(lock)') \" /proc/locks").exitCode == 0
        })
      try records.write(wish)
      return beat
    }
    #expect(try await beat.value == [])
    #expect(records.read("w").record == wish)
    // Nothing else has changed it: now it is settled.
    try records.write(old)
    try Reaper(data).run(Sessions.list(data), now: 3000)
    #expect(records.read("w").record?.phase == .exited)
  }

  @Test func `the pulse is no worker, and nobody kills the dead`() throws {
    let fixture = try SessionFixture()
    try fixture.start("pulse", "sleep 600")
    let pulse = #expect(throws: Refusal.self) { try WorkerKill(fixture.data).kill("pulse", now: 1) }
    #expect(pulse?.hint?.contains("down") == true)
    #expect(Sessions.isAlive("pulse", in: fixture.data))
    #expect(throws: Refusal.self) { try WorkerKill(fixture.data).kill("nobody", now: 1) }
  }
}
