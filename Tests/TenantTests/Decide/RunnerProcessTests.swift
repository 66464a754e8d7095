import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct RunnerProcessTests {
  static func run(
    _ scratch: ScratchDirectory, _ command: String, deadline: Double = 20, retries: Int = 0, match: String? = nil,
    prompt: String = "PROMPT\n", paused: Locked<[Double]> = Locked([])
  ) throws -> (RunnerOutcome, RunDirectory) {
    let data = scratch.dataDir
    let run = RunDirectory.next(data, now: 1_800_000_000)
    try run.create(prompt: prompt)
    let process = RunnerProcess(
      command: command, data: data, run: run, environment: RunningProcess.environment([:]), clock: .system,
      deadline: deadline, retries: retries, retryMatch: match, retrySleep: 3,
      pause: { seconds in paused.withLock { $0.append(seconds) } })
    return (process.start(baseline: UsageBaseline()), run)
  }

  @Test func `the prompt comes on stdin, of any size`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, _) = try Self.run(scratch, "wc -c", prompt: String(repeating: "x", count: 300_000))
    #expect(outcome.reason.succeeded && outcome.answer == .plain("300000"))
  }

  @Test func `a placeholder is a path, and stdin is then empty`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, _) = try Self.run(scratch, "cat {{prompt_file}}; echo \"2 $(cat '{{prompt_file}}')\"; wc -c")
    #expect(outcome.answer == .plain("PROMPT\n2 PROMPT\n0"))
  }

  static let placeholders: [(String, String)] = [
    ("cat {{prompt_file}}", "cat '/a b/p'"),
    ("pi @{{prompt_file}}", "pi @'/a b/p'"), ("a {{prompt_file}} b {{prompt_file}}", "a '/a b/p' b '/a b/p'"),
    ("x \"$(cat {{prompt_file}})\"", "x \"$(cat '/a b/p')\""),
    ("x '{{prompt_file}}'", "x '''/a b/p'''"),
    ("x \"{{prompt_file}}\"", "x \"\"'/a b/p'\"\""),
    ("x \"--f={{prompt_file}}\" y", "x \"--f=\"'/a b/p'\"\" y"),
    ("x \\\"{{prompt_file}}", "x \\\"'/a b/p'"),
    ("echo \"(\" {{prompt_file}}", "echo \"(\" '/a b/p'"),
    ("no", "no"),
  ]

  @Test(arguments: placeholders) func `the path is quoted for its place`(_ command: String, _ filled: String) {
    #expect(PromptPlaceholder.substitute("/a b/p", in: command) == filled)
  }

  @Test func `it runs in the data dir, with stderr in the same stream`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, run) = try Self.run(scratch, "pwd; echo err >&2")
    #expect(outcome.answer == .plain("\(scratch.path)\nerr"))
    let log = FileReading.of(run.output).text ?? ""
    #expect(log.contains("] err\n") && log == scratch.read("tick.log"))
  }

  @Test func `a hanging runner and its children die at the deadline`() throws {
    let scratch = try ScratchDirectory()
    let started = HostClock.system.monotonic()
    let (outcome, _) = try Self.run(scratch, "sleep 300 & echo $! > pid; sleep 300", deadline: 0.5)
    #expect(outcome.reason == .timedOut && HostClock.system.monotonic() - started < 10)
    #expect(outcome.failure(deadline: 1)?.contains("LOOOP_TICK_TIMEOUT_SECS") == true)
    let pid = Int32((scratch.read("pid") ?? "").split(separator: "\n").first ?? "") ?? 0
    #expect(pid > 0 && eventually { ProcessIdentity.of(pid) == nil })
  }

  @Test func `closing stdout and living on is no way out`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, _) = try Self.run(scratch, "exec >&- 2>&-; sleep 300", deadline: 0.5)
    #expect(outcome.reason == .timedOut)
  }

  @Test func `a non-zero exit says its last words`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, _) = try Self.run(scratch, "echo out of cheese; exit 3")
    #expect(outcome.failure(deadline: 0) == "the runner exited 3: out of cheese")
    let (missing, _) = try Self.run(scratch, "no-such-program-here")
    #expect(missing.neverRan("no-such-program-here"))
  }

  @Test func `retries are for commands that read the prompt by its path`() throws {
    let scratch = try ScratchDirectory()
    let paused = Locked<[Double]>([])
    let (outcome, _) = try Self.run(
      scratch, "echo x >> tries; : {{prompt_file}}; [ $(wc -l < tries) = 3 ]", retries: 5, paused: paused)
    #expect(outcome.reason.succeeded && scratch.read("tries") == "x\nx\nx\n")
    #expect(paused.withLock { $0 } == [3, 6])
    let (once, _) = try Self.run(scratch, "echo y >> tries2; false", retries: 5)
    #expect(once.reason == .code(1) && scratch.read("tries2") == "y\n")
  }

  @Test func `a matching line is a failed try`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, _) = try Self.run(
      scratch, ": {{prompt_file}}; echo x >> tries; echo 'HTTP 529 Overloaded'", retries: 2, match: "overloaded|529")
    #expect(outcome.reason.succeeded && scratch.read("tries") == "x\nx\nx\n")
  }

  @Test func `raw events are kept, and the flood is bounded`() throws {
    let scratch = try ScratchDirectory()
    let (outcome, run) = try Self.run(
      scratch,
      #"echo '{"type":"system","subtype":"init","session_id":"s","model":"m"}'; yes 'a rather long line of nothing much' | head -c 12000000; echo '{"type":"result","subtype":"success","session_id":"s","result":"{}","total_cost_usd":0.5}'"#
    )
    #expect(outcome.usage.microUSD == 500_000 && outcome.usage.complete)
    let events = FileReading.of(run.events).text ?? ""
    #expect(events.split(separator: "\n").count == 2)
    guard case .contents(let log) = FileReading.of(run.output) else {
      Issue.record("no log")
      return
    }
    #expect(log.count <= RunLogs.maximumOutput)
    #expect(outcome.warnings.contains { $0.contains("is full") })
  }

  @Test func `a log that cannot be written costs a warning only`() throws {
    let scratch = try ScratchDirectory()
    try Directory.create(scratch.appending("tick.log"))
    let (outcome, _) = try Self.run(scratch, #"echo '{"action":"noop"}'"#)
    #expect(outcome.reason.succeeded && outcome.answer == .plain(#"{"action":"noop"}"#))
    #expect(outcome.warnings.count == 1)
  }

  @Test func `run ids do not collide, and old runs go`() throws {
    let scratch = try ScratchDirectory()
    let data = scratch.dataDir
    let first = RunDirectory.next(data, now: 1_800_000_000)
    try first.create(prompt: "a")
    let second = RunDirectory.next(data, now: 1_800_000_000)
    #expect(second.id == first.id + "-2")
    try second.create(prompt: "b")
    for number in 1...4 { try RunDirectory.next(data, now: 1_800_000_000 + Int64(number)).create(prompt: "c") }
    RunDirectory.prune(data, keep: 0)
    #expect(scratch.names("runs").count == 6)
    RunDirectory.prune(data, keep: 3)
    #expect(scratch.names("runs").count == 3 && !scratch.names("runs").contains(first.id))
  }
}
