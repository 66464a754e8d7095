import SystemPackage
import TestSupport
import Testing

@testable import Tenant

/// Workers as the executor sees them: it notes what was wanted.
final class NotedWorkers: WorkerControl, Sendable {
  let calls = Locked<[String]>([])
  func start(_ wish: WorkerWish) throws -> String? {
    calls.withLock { $0.append("start \(wish.id)") }
    return wish.repo == nil ? nil : "pending"
  }
  func kill(_ id: String) throws {
    guard id != "ghost" else { throw ActError(.notFound, "there is no worker \"ghost\"") }
    calls.withLock { $0.append("kill \(id)") }
  }
}

@Suite struct ExecutorTests {
  let scratch: ScratchDirectory
  let clock = FixedClock()
  let workers = NotedWorkers()
  var data: DataDir { scratch.dataDir }

  init() throws {
    scratch = try ScratchDirectory()
    try Seed.ensure(scratch.dataDir, configuration: scratch.appending("config.json"), now: 1)
  }

  func executor(_ environment: [String: String] = [:]) -> Executor {
    Executor(
      data: data, environment: RunningProcess.environment(environment), clock: clock.clock,
      rules: CommandRules(dataDirectory: data.root), workers: workers)
  }

  func run(_ action: Action, journal: String? = nil, _ environment: [String: String] = [:]) throws -> Executed {
    try executor(environment).execute(Move(action, journal: journal))
  }

  @Test(
    arguments: [
      (.noop(reason: "calm"), "noop", "noop · calm"),
      (.runShell(command: "true", reason: nil), "shell", "run-shell · true"),
      (.writeGoal(id: "g", body: "x"), "goal", "write-goal g"),
      (.archiveGoal(id: "setup"), "archive", "archive-goal setup"),
      (.writeSensor(name: "s", script: "#!/bin/sh\necho 1"), "sensor", "write-sensor s"),
      (.writePlaybook(body: "p"), "playbook", "write-playbook"),
      (.startWorker(WorkerWish(id: "w", prompt: "p", command: "x")), "worker", "start-worker w (command override)"),
      (.startWorker(WorkerWish(id: "w", prompt: "p", repo: "r")), "worker", "start-worker w (pending)"),
      (.killWorker(id: "w", reason: "stuck"), "kill", "kill-worker w · stuck"),
      (
        .writeSchedule(name: "t", trigger: .every(seconds: 60), note: nil), "schedule",
        "write-schedule t (recurring, every 60s)"
      ),
      (.dropSchedule(name: "none"), "drop-schedule", "drop-schedule none"),
    ] as [(Action, String, String)])
  func `each action has its effect, its kind and its journal line`(
    _ action: Action, _ kind: String, _ line: String
  )
    throws
  {
    let executed = try run(action)
    #expect(executed.kind == kind)
    #expect(executed.journal == line)
    #expect(executed.acted == (kind != "noop"))
    #expect(Journal.tail(data, lines: 1).first?.hasSuffix(" \(line)") == true)
    #expect(Move(json: Move(action).json) == Move(action))
  }

  @Test func `the files say what was written`() throws {
    _ = try run(.writeGoal(id: "g", body: "x"))
    #expect(scratch.read("goals/g.md") == "x\n")
    _ = try run(.archiveGoal(id: "g"))
    _ = try run(.writeGoal(id: "g", body: "y\n"))
    _ = try run(.archiveGoal(id: "g"))
    #expect(scratch.read("goals/archive/g.md") == "x\n")
    #expect(scratch.read("goals/archive/g-1.md") == "y\n")
    #expect(GoalActivity.read(data)["g"] == clock.now)
    _ = try run(.writeSchedule(name: "once", trigger: .after(seconds: 9), note: "n"))
    #expect(scratch.json("schedules/once.json") == ["v": 1, "at": .int(clock.now + 9), "note": "n"])
    _ = try run(.dropSchedule(name: "once"))
    #expect(!scratch.exists("schedules/once.json"))
  }

  @Test func `every overwritten PLAYBOOK is kept, up to a number`() throws {
    for body in ["a", "b", "c", "d"] { _ = try run(.writePlaybook(body: body), ["LOOOP_PLAYBOOK_KEEP": "2"]) }
    let kept = scratch.names("playbook.d").compactMap { scratch.read("playbook.d/\($0)") }
    #expect(kept == ["b\n", "c\n"])
    #expect(scratch.read("PLAYBOOK.md") == "d\n")
  }

  @Test(
    arguments: [
      .writeGoal(id: "g", body: " \n"), .writePlaybook(body: ""), .writeSensor(name: "s", script: "\n"),
      .writeGoal(id: "../x", body: "b"), .writeSensor(name: ".x", script: "b"), .archiveGoal(id: "none"),
      .killWorker(id: "pulse", reason: nil), .killWorker(id: "ghost", reason: nil),
      .runShell(command: " ", reason: nil),
      .runShell(command: "exit 3", reason: nil), .runShell(command: "sudo true", reason: nil),
      .writeSchedule(name: "t", trigger: .after(seconds: 0), note: nil),
      .writeSchedule(name: "t", trigger: .every(seconds: 59), note: nil), .dropSchedule(name: "a/b"),
    ] as [Action])
  func `a move that fails throws, and leaves no journal line`(_ action: Action) throws {
    #expect(throws: (any Error).self) { try run(action) }
    #expect(!scratch.exists("journal.md"))
    #expect(scratch.read("PLAYBOOK.md")?.hasPrefix("# PLAYBOOK") == true)
  }

  @Test func `a command's output is for the next prompt, once`() throws {
    _ = try run(.runShell(command: "echo out; echo err >&2", reason: nil))
    let last = try #require(LastShell.read(data))
    #expect(last.output == "out\nerr")
    #expect(last.exitCode == 0)
    // A manual verb does not eat it.
    _ = try executor().execute(Move(.writeGoal(id: "g", body: "x")), origin: .manual)
    #expect(LastShell.read(data) == last)
    // A decision that fails restores it.
    #expect(throws: (any Error).self) { try run(.archiveGoal(id: "none")) }
    #expect(LastShell.read(data) == last)
    _ = try run(.noop(reason: nil))
    #expect(LastShell.read(data) == nil)
  }

  @Test func `a failing command leaves its output and an error with its end`() throws {
    let error = #expect(throws: ActError.self) { try run(.runShell(command: "seq 2000; exit 3", reason: nil)) }
    #expect(error?.message.contains("exited with 3") == true)
    #expect(error?.message.hasSuffix("2000") == true)
    #expect((error?.message.count ?? 0) < 600)
    #expect(LastShell.read(data)?.exitCode == 3)
    #expect((LastShell.read(data)?.output.count ?? 0) <= 2048)
  }

  @Test func `a command that hangs is killed with its group and may have partially executed`() throws {
    let error = #expect(throws: ActError.self) {
      try run(.runShell(command: "sleep 9999 & echo $! > child; wait", reason: nil), ["LOOOP_SHELL_TIMEOUT_SECS": "1"])
    }
    #expect(error?.message.contains("may have partially executed") == true)
    #expect(LastShell.read(data)?.exitCode == -1)
    let child = try #require(scratch.read("child").flatMap { Int32($0.dropLast()) })
    #expect(eventually { ProcessIdentity.of(child) == nil })
    #expect(try Directory.names(data.root, includingHidden: true).allSatisfy { !$0.hasPrefix(".action-wal") })
  }

  @Test func `the intent is on disk while the command runs`() throws {
    _ = try run(.runShell(command: "cp .action-wal.*.json seen.json", reason: nil))
    #expect(scratch.json("seen.json")?["kind"] == "shell")
    #expect(scratch.json("seen.json")?["shell_timeout_secs"] == 300)
  }

  @Test func `an interrupted command is reported once`() throws {
    let intents = IntentLog(data)
    _ = try intents.begin(kind: "shell", command: "x", timeout: 10, now: 1000)
    #expect(try intents.interrupted(timeout: 300, now: 1070).isEmpty)
    #expect(try intents.interrupted(timeout: 300, now: 1071).count == 1)
    #expect(try intents.interrupted(timeout: 300, now: 1071).isEmpty)
    _ = try intents.begin(kind: "shell", command: "x", timeout: 0, now: 1000)
    #expect(try intents.interrupted(timeout: 300, now: 9_999_999).isEmpty)
    try scratch.write("torn{", to: ".action-wal.json")
    #expect(try intents.interrupted(timeout: 300, now: 1000).count == 1)
  }

  @Test func `the journal keeps one line a move, and rolls`() throws {
    _ = try run(.noop(reason: nil), journal: "one\n- two\u{7}")
    #expect(Journal.tail(data, lines: 9).count == 1)
    try Journal(data, maximumBytes: 10).append("next", now: 1)
    #expect(scratch.exists("journal.md.1"))
    #expect(Journal.tail(data, lines: 9).count == 1)
  }

  @Test func `events keep their own ts and event`() throws {
    let log = EventLog(data, clock: clock.clock)
    log.append("decided", ["ts": 1, "event": "x", "run_id": "r"])
    #expect(scratch.read("events.jsonl") == #"{"event":"decided","run_id":"r","ts":"2027-01-15T08:00:00.000Z"}"# + "\n")
  }

  @Test func `seeding keeps what is there and comes back after a crash before its end`() throws {
    #expect(scratch.json("asks/setup-1.json")?["v"] == nil)
    #expect(scratch.json("asks/setup-1.json")?["worker"] == "setup")
    try scratch.write("mine\n", to: "PLAYBOOK.md")
    AtomicFile.remove(data.goal("setup"))
    try Seed.ensure(data, configuration: scratch.appending("c/config.json"), now: 2)
    #expect(scratch.read("PLAYBOOK.md") == "mine\n")
    #expect(!scratch.exists("goals/setup.md"))
    #expect(scratch.exists("c") && !scratch.exists("c/config.json"))
    AtomicFile.remove(data.playbook)
    try Seed.ensure(data, configuration: scratch.appending("config.json"), now: 2)
    #expect(scratch.exists("goals/setup.md"))
    let sensor = BoundedRun(
      Spawn(data.sensors.appending("today.sh"), [], environment: RunningProcess.environment([:])), deadline: 10
    ).run()
    #expect((try? JSON(parsing: sensor.output))?["date"]?.string?.count == 10)
  }
}
