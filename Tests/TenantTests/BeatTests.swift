import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

/// Beats over real files and real children: a fake runner writes the decision.
@Suite struct BeatTests {
  /// A data dir with a custom runner, and beats one after the other.
  final class Loop {
    let scratch: ScratchDirectory
    let time = FixedClock(1_800_000_000)
    var environment = HostEnvironment.current().values
    var notices: [Notice] = []

    init(runner: String?, more: String = "") throws {
      scratch = try ScratchDirectory()
      for name in environment.keys where name.hasPrefix("LOOOP_") { environment[name] = nil }
      environment["LOOOP_MAX_DAILY_USD"] = "0"
      try scratch.write("be calm\n", to: "PLAYBOOK.md")
      try scratch.write("do it\n", to: "goals/g.md")
      if let runner { try configure(runner, more) }
    }

    func configure(_ runner: String, _ more: String = "") throws {
      try scratch.write(
        "{\"tick_command\":\(JSON.string(runner).compact),\"worker_command\":\"bash {{prompt_file}}\"\(more)}",
        to: "config.json")
    }

    func beat(force: Bool = false) -> Beat.Result {
      let environment = HostEnvironment(environment)
      var admission = StandaloneAdmission(
        scratch.dataDir, config: try? RunnerConfig.load(scratch.dataDir, environment), environment: environment,
        clock: time.clock)
      return Beat(setup { self.notices.append($0) }).run(force: force, admission: &admission)
    }

    func setup(log: @escaping (Notice) -> Void = { _ in }) -> LoopSetup {
      LoopSetup(
        scratch.dataDir, environment: HostEnvironment(environment), binary: "/nonexistent/looop", clock: time.clock,
        log: log)
    }

    var data: DataDir { scratch.dataDir }
    var lastPrompt: String { scratch.names("runs").last.flatMap { scratch.read("runs/\($0)/prompt.md") } ?? "" }
    var events: [String] {
      (scratch.read("events.jsonl") ?? "").split(separator: "\n").compactMap {
        (try? JSON(parsing: String($0)))?["event"]?.string
      }
    }
  }

  static func decide(_ json: String) -> String { "cat >/dev/null; printf '%s' '\(json)' > .decision.json" }

  @Test func `a changed world is decided, an unchanged one costs nothing`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"write_goal","id":"new","body":"hello"}"#))
    let first = loop.beat()
    #expect(first.report.outcome == .decided && first.report.action == "write_goal")
    #expect(loop.scratch.read("goals/new.md") == "hello\n")
    #expect(loop.scratch.read("journal.md")?.contains("write-goal new") == true)
    #expect(!loop.scratch.exists(".decision.json"))
    #expect(loop.events == ["tick_start", "sense_done", "decide_start", "decided"])
    // The move's own effect is a change; then a noop settles the world.
    try loop.configure(Self.decide(#"{"action":"noop","reason":"calm"}"#))
    #expect(loop.beat().report.outcome == .noop)
    #expect(loop.lastPrompt.contains("+ goal:new appeared"))
    try loop.configure("exit 9")
    let before = Self.snapshot(loop)
    let third = loop.beat()
    #expect(third.report.outcome == .unchanged && third.report.reason == nil)
    #expect(Self.snapshot(loop) == before, "an unchanged beat writes nothing")
  }

  static func snapshot(_ loop: Loop) -> [String] {
    let found = try! RunningProcess.shell(
      "find . -type f ! -path './.lock/*' -printf '%p %s %T@\\n' | sort", directory: loop.scratch.path)
    return found.output.split(separator: "\n").map(String.init)
  }

  @Test func `an old decision is never carried out`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"write_goal","id":"bad","body":"x"}"#) + "; exit 1")
    #expect(loop.beat().report.outcome == .failed)
    #expect(loop.scratch.exists(".decision.json"))
    try loop.configure("cat >/dev/null")
    loop.time.advance(by: 100)
    let second = loop.beat()
    #expect(second.report.outcome == .failed && second.report.fails == 2)
    #expect(!loop.scratch.exists("goals/bad.md"))
    #expect(loop.scratch.json(".last-failure.json")?["code"] == "tick.no_decision")
    #expect(!loop.scratch.exists(".last-tick-hash"))
  }

  @Test func `a failure backs off, shows in the next prompt, and success clears it`() throws {
    let loop = try Loop(runner: "echo oh no; exit 4")
    #expect(loop.beat().report.outcome == .failed)
    let waiting = loop.beat()
    #expect(waiting.report.outcome == .idle && waiting.report.reason?.contains("next try in 60 s") == true)
    #expect(waiting.report.fails == 1)
    loop.time.advance(by: 61)
    try loop.configure(Self.decide(#"{"action":"noop"}"#))
    #expect(loop.beat().report.outcome == .noop)
    #expect(loop.lastPrompt.contains("tick.failed, failure 1 in a row, 61 s ago\nthe runner exited 4: oh no"))
    #expect(!loop.scratch.exists(".last-failure.json") && !loop.scratch.exists(".tick-backoff"))
  }

  @Test func `an edited goal lifts the backoff, and the count goes on`() throws {
    let loop = try Loop(runner: "exit 4")
    _ = loop.beat()
    try loop.scratch.write("do it better\n", to: "goals/g.md")
    let again = loop.beat()
    #expect(again.report.outcome == .failed && again.report.fails == 2)
  }

  @Test func `an unreadable last hash starts nothing`() throws {
    let loop = try Loop(runner: "touch ran; exit 1")
    try Directory.create(loop.scratch.appending(".last-tick-hash"))
    #expect(loop.beat().report.outcome == .idle)
    #expect(!loop.scratch.exists("ran") && !loop.scratch.exists(".tick-backoff"))
  }

  @Test func `a broken configuration starts nothing and counts as no failure`() throws {
    let loop = try Loop(runner: nil)
    try loop.scratch.write("{", to: "config.json")
    let result = loop.beat()
    #expect(result.report.outcome == .idle && result.report.reason?.contains("is not JSON") == true)
    #expect(!loop.scratch.exists(".tick-backoff"))
  }

  @Test func `a hanging runner ends with the beat`() throws {
    let loop = try Loop(runner: "sleep 300")
    loop.environment["LOOOP_TICK_TIMEOUT_SECS"] = "1"
    let result = loop.beat()
    #expect(result.report.outcome == .failed && result.report.reason?.contains("TIMEOUT") == true)
  }

  @Test func `the answer may come on stdout, plain or as a stream`() throws {
    let loop = try Loop(runner: #"cat >/dev/null; echo thinking; echo '{"action":"noop","reason":"plain"}'"#)
    #expect(loop.beat().report.reason == "noop · plain")
    let stream =
      #"{"type":"result","subtype":"success","session_id":"s","result":"{\"action\":\"noop\",\"reason\":\"stream\"}","total_cost_usd":0.25,"modelUsage":{"m":{"inputTokens":10,"outputTokens":2}}}"#
    try loop.configure(
      "cat >/dev/null; echo '{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}'; printf '%s\\n' '\(stream)'"
    )
    loop.environment["LOOOP_MAX_DAILY_USD"] = "5"
    #expect(loop.beat(force: true).report.reason == "noop · stream")
    let row = try JSON(
      parsing: (loop.scratch.read("cost.jsonl") ?? "").split(separator: "\n").last.map(String.init) ?? "")
    #expect(row["cost_usd"]?.double == 0.25 && row["source"] == "reported" && row["tokens"]?["input"] == 10)
  }

  @Test func `two moves are none, and the next prompt says why`() throws {
    let loop = try Loop(
      runner: #"cat >/dev/null; echo '{"action":"noop","reason":"a"}'; echo '{"action":"noop","reason":"b"}'"#)
    #expect(loop.beat().report.outcome == .failed)
    loop.time.advance(by: 61)
    _ = loop.beat()
    #expect(loop.lastPrompt.contains("2 different moves"), "\(loop.scratch.read(".last-failure.json") ?? "")")
  }

  @Test func `a command's output is in the next prompt, once`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"run_shell","cmd":"echo marker-$((40+2))"}"#))
    let first = loop.beat()
    #expect(first.nap == 5 && first.report.nextWakeAt == loop.time.now + 5)
    #expect(loop.scratch.json(".last-shell.json")?["exit_code"] == 0)
    try loop.configure(Self.decide(#"{"action":"noop"}"#))
    #expect(loop.beat().report.outcome == .unchanged)
    loop.time.advance(by: 6)
    #expect(loop.beat().report.outcome == .noop, "the deadline forces a decision")
    #expect(loop.lastPrompt.contains("$ echo marker-$((40+2))\n(exit 0)\nmarker-42"))
    #expect(!loop.scratch.exists(".next-wake.json"))
    _ = loop.beat(force: true)
    #expect(!loop.lastPrompt.contains("marker-42"))
  }

  @Test func `a failed decision gives the output back`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"run_shell","cmd":"echo marker"}"#))
    _ = loop.beat()
    try loop.configure(Self.decide(#"{"action":"archive_goal","id":"nope"}"#))
    loop.time.advance(by: 6)
    #expect(loop.beat().report.outcome == .failed)
    #expect(loop.scratch.exists(".last-shell.json"))
  }

  @Test(arguments: [(100_000, 300), (0, 5), (60, 60)] as [(Int64, Int64)])
  func `the decision's nap is clamped and durable`(_ wanted: Int64, _ got: Int64) throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop","next_interval_s":\#(wanted)}"#))
    let result = loop.beat()
    #expect(result.nap == got && NextWake.read(loop.data)?.due == loop.time.now + got)
  }

  @Test func `a noop is looked at again in time`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop"}"#))
    _ = loop.beat()
    loop.time.advance(by: 21599)
    #expect(loop.beat().report.outcome == .unchanged)
    loop.time.advance(by: 1)
    #expect(loop.beat().report.outcome == .noop)
  }

  @Test func `the hourly cap holds the forced ones too`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop"}"#))
    loop.environment["LOOOP_MAX_DECIDES_PER_HOUR"] = "2"
    #expect(loop.beat(force: true).report.outcome == .noop)
    #expect(loop.beat(force: true).report.outcome == .noop)
    let capped = loop.beat(force: true)
    #expect(capped.report.outcome == .idle && capped.report.reason?.contains("2 decisions") == true)
  }

  @Test func `the budget holds decisions while sensing goes on`() throws {
    let loop = try Loop(
      runner: Self.decide(#"{"action":"noop"}"#), more: #","max_daily_usd":0.01,"unmetered_usd":0.02"#)
    loop.environment["LOOOP_MAX_DAILY_USD"] = nil
    try loop.scratch.write("#!/bin/sh\necho '{\"signal\":1}'\n", to: "sensors/s.sh", mode: 0o755)
    #expect(loop.beat().report.outcome == .noop)
    try loop.scratch.write("#!/bin/sh\necho '{\"signal\":2}'\n", to: "sensors/s.sh", mode: 0o755)
    let held = loop.beat()
    #expect(held.report.outcome == .held && held.report.reason?.contains("budget is spent: $0.02 of $0.01") == true)
    #expect(loop.scratch.json("snapshots/sensor-s.json")?["signal"] == 2)
    #expect(loop.scratch.names("runs").count == 1)
  }

  @Test func `only a runner that is not there is free`() throws {
    let loop = try Loop(runner: "no-such-runner -p", more: #","max_daily_usd":9,"unmetered_usd":0.5"#)
    loop.environment["LOOOP_MAX_DAILY_USD"] = nil
    #expect(loop.beat().report.reason?.contains("the runner is not there") == true)
    #expect(!loop.scratch.exists("cost.jsonl"))
    try loop.configure("sed d | no-such-tool", #","max_daily_usd":9,"unmetered_usd":0.5"#)
    loop.time.advance(by: 3600)
    #expect(loop.beat().report.outcome == .failed)
    #expect(try CostReport.read(loop.data).calls == 1)
  }

  @Test func `what the loop starts knows that it is no human`() throws {
    let loop = try Loop(
      runner: "cat >/dev/null; env >runner; printf '{\"action\":\"run_shell\",\"cmd\":\"env >shell\"}' >.decision.json")
    try loop.scratch.write("#!/bin/sh\nenv >sensor; echo 1\n", to: "sensors/s.sh", mode: 0o755)
    #expect(loop.beat().report.outcome == .decided)
    for name in ["runner", "shell", "sensor"] {
      #expect(loop.scratch.read(name)?.contains("\nLOOOP_IN_BEAT=1\n") == true, "\(name)")
    }
  }

  @Test func `a brief is judged where a runner wrote it, and not where a human did`() throws {
    let move = #"{"action":"start_worker","id":"fix","prompt":"git push origin main"}"#
    let loop = try Loop(runner: Self.decide(move))
    #expect(loop.beat().report.reason?.hasPrefix("parked gate-1") == true)
    let rules = try Loop(runner: "rules")
    try rules.scratch.write("{\"v\":1,\"socket\":\"/s\",\"tenant\":\"t\"}", to: ".fleet.json")
    try rules.scratch.write("[{\"name\":\"x\",\"when\":{\"all\":[]},\"move\":\(move)}]", to: "rules.json")
    #expect(rules.beat().report.reason?.hasPrefix("start-worker fix") == true)
  }

  @Test func `an irreversible move waits for a yes, a no is shown`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"run_shell","cmd":"touch pushed","irreversible":true}"#))
    let parked = loop.beat()
    #expect(parked.report.outcome == .decided && parked.report.reason?.hasPrefix("parked gate-1") == true)
    #expect(!loop.scratch.exists("pushed") && loop.scratch.exists("asks/gate-1.json"))
    try loop.configure(Self.decide(#"{"action":"noop"}"#))
    _ = loop.beat()
    #expect(loop.lastPrompt.contains("=== PARKED MOVES") && loop.lastPrompt.contains("GATE — one of your own moves"))
    try loop.scratch.write(#"{"answer":"yes","ts":1}"#, to: "answers/gate-1.json")
    _ = loop.beat()
    #expect(loop.scratch.exists("pushed"))
    try loop.configure(Self.decide(#"{"action":"run_shell","cmd":"touch other","irreversible":true}"#))
    _ = loop.beat(force: true)
    try loop.scratch.write(#"{"answer":"no way","ts":1}"#, to: "answers/gate-2.json")
    try loop.configure(Self.decide(#"{"action":"noop"}"#))
    _ = loop.beat(force: true)
    #expect(!loop.scratch.exists("other"))
    #expect(loop.lastPrompt.contains("=== REFUSED MOVES") && loop.lastPrompt.contains("no way"))
    _ = loop.beat(force: true)
    #expect(!loop.lastPrompt.contains("=== REFUSED MOVES"))
  }

  @Test func `rules decide without a runner, a prompt or money`() throws {
    let loop = try Loop(runner: "rules")
    try loop.scratch.write("#!/bin/sh\necho '{\"signal\":{\"ok\":false}}'\n", to: "sensors/ci.sh", mode: 0o755)
    try loop.scratch.write(
      #"""
      [{"name":"note","when":{"snapshot":"sensor-ci","path":"signal.ok","equals":false},
        "unless":{"snapshot":"sys-goals","path":"detail.goals.fix","exists":true},
        "move":{"action":"write_goal","id":"fix","body":"ci is {{sensor-ci.signal.ok}}"}}]
      """#, to: "rules.json")
    let first = loop.beat()
    #expect(first.report.outcome == .decided && loop.scratch.read("goals/fix.md") == "ci is false\n")
    #expect(loop.beat().report.reason == "noop · no rule holds")
    #expect(loop.beat().report.outcome == .unchanged)
    #expect(!loop.scratch.exists("cost.jsonl") && !loop.scratch.exists(".decide-ledger.json"))
    #expect(loop.scratch.read("tick.log")?.contains("no rule") == true)
  }

  @Test func `a broken rules file is a failure with its name`() throws {
    let loop = try Loop(runner: "rules")
    try loop.scratch.write(#"[{"name":"x","when":{},"move":{"action":"noop"}}]"#, to: "rules.json")
    let result = loop.beat()
    #expect(result.report.outcome == .failed && result.report.reason?.hasPrefix("rules.json: rule \"x\"") == true)
  }

  @Test func `a refused move of a rule is not asked again`() throws {
    let loop = try Loop(runner: "rules")
    try loop.scratch.write(
      #"[{"name":"x","when":{"all":[]},"move":{"action":"run_shell","cmd":"touch gone","irreversible":true}}]"#,
      to: "rules.json")
    #expect(loop.beat().report.action == "run_shell")
    try loop.scratch.write(#"{"answer":"no","ts":1}"#, to: "answers/gate-1.json")
    #expect(loop.beat(force: true).report.reason?.contains("a human refused this move") == true)
    #expect(loop.scratch.names("parked").count == 1)
  }

  @Test func `two beats at once are one`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop"}"#))
    try Directory.create(loop.data.lockDirectory)
    let lock = try FileLock.tryTaking(loop.data.beatLock)
    #expect(loop.beat().report.reason == "another beat of this data dir is running")
    _ = consume lock
    #expect(loop.beat().report.outcome == .noop)
  }

  @Test func `a prompt that cannot be written starts nothing and keeps the money`() throws {
    let loop = try Loop(runner: "touch ran; exit 1")
    try loop.scratch.write("not a directory", to: "runs")
    loop.environment["LOOOP_MAX_DAILY_USD"] = "5"
    let result = loop.beat()
    #expect(result.report.outcome == .idle && !loop.scratch.exists("ran"))
    #expect(!loop.scratch.exists(".cost-hold.json") && !loop.scratch.exists("cost.jsonl"))
  }

  @Test func `a runner that does not exist is a failure that costs nothing`() throws {
    let loop = try Loop(runner: "no-such-runner-anywhere")
    loop.environment["LOOOP_MAX_DAILY_USD"] = "5"
    #expect(loop.beat().report.outcome == .failed)
    #expect(!loop.scratch.exists("cost.jsonl") && !loop.scratch.exists(".cost-hold.json"))
  }

  @Test func `a stuck claim of a dead worker is freed`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop"}"#))
    try loop.scratch.write(#"{"name":"c","session":"gone","nonce":"1","ts":1}"#, to: "claims/c.json")
    _ = loop.beat()
    #expect(!loop.scratch.exists("claims/c.json") && loop.events.contains("claim_reaped"))
  }

  @Test func `a pending wish is part of the world`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"start_worker","id":"fix","prompt":"echo hi","repo":"web"}"#))
    try loop.scratch.write(#"{"v":1,"socket":"/s","tenant":"t"}"#, to: ".fleet.json")
    let first = loop.beat()
    #expect(first.report.outcome == .decided && first.report.reason?.contains("pending: the fleet starts it") == true)
    try loop.configure(Self.decide(#"{"action":"noop"}"#))
    _ = loop.beat()
    // Once, not twice.
    let sessions = loop.scratch.json("snapshots/sys-sessions.json")?["signal"]?.array
    #expect(sessions?.map { $0["id"] } == ["fix"] && sessions?.first?["state"] == "pending")
  }

  @Test func `a beat through the door asks, settles and reports`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop","reason":"via the door"}"#))
    let fleet = AdmissionTests.Fleet()
    fleet.say("{\"granted\":true,\"reservation\":\"r1\",\"limits\":{\"usd\":{\"left\":1.5}}}\n{\"ok\":true}\n")
    BeatRun(loop.setup()).throughDoor(force: false, input: fleet.answer.readEnd, output: fleet.question.writeEnd)
    let said = fleet.said()
    #expect(said.map { $0["op"]?.string } == ["admit", "settle", "report"])
    #expect(said.last?["report"]?["beat"]?["outcome"] == "noop")
    #expect(loop.lastPrompt.contains("=== LIMITS") && loop.lastPrompt.contains("\"left\":1.5"))
    #expect(TenantReport(json: said.last?["report"] ?? .null) != nil)
  }

  @Test func `a closed door holds the decision`() throws {
    let loop = try Loop(runner: "touch ran")
    let fleet = AdmissionTests.Fleet()
    fleet.hangUp()
    BeatRun(loop.setup()).throughDoor(force: false, input: fleet.answer.readEnd, output: fleet.question.writeEnd)
    #expect(fleet.said().last?["report"]?["beat"]?["outcome"] == "held")
    #expect(!loop.scratch.exists("ran"))
  }

  @Test func `alone a beat needs the pulse's lock`() throws {
    let loop = try Loop(runner: Self.decide(#"{"action":"noop"}"#))
    let run = BeatRun(loop.setup())
    #expect(try run.alone(force: false).outcome == .noop)
    let lock = try FileLock.tryTaking(loop.data.pulseLock)
    #expect(throws: Refusal.self) { try run.alone(force: false) }
    _ = consume lock
    #expect(try run.alone(force: false).outcome == .unchanged)
  }
}
