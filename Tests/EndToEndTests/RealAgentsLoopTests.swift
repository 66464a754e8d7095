import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// `looop` by itself with the real `claude` and `codex` on a scripted model: from the prompt to the executed move, a worker under the
/// terminal that asks and ends itself, and every token of it in `cost.jsonl`.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: RealAgents.arePresent, "needs the real claude and codex, and a scripted model"))
struct RealAgentsLoopTests {
  /// A loop whose runner's home is the test's own, as one has it who has used the runner before.
  private final class Loop: Sendable {
    let home: LooopHome
    let model: RealAgents.Model
    private let runnerHome: ScratchDirectory

    init(_ preset: Preset) throws {
      runnerHome = try ScratchDirectory("h")
      model = try RealAgents.Model(runnerHome, rules: RealAgentsScript.rules)
      try runnerHome.write(
        #"{"hasCompletedOnboarding":true,"customApiKeyResponses":{"approved":["sk-test"],"rejected":[]}}"#,
        to: ".claude.json")
      try runnerHome.write(model.codexConfiguration, to: ".codex/config.toml")
      let environment = ["HOME": runnerHome.path.string].merging(model.claudeEnvironment) { _, new in new }
      home = try LooopHome(environment)
      _ = try home.looop(["init", "--runner", preset.rawValue])
      try home.scratch.write(RealAgentsScript.configuration(preset).pretty, to: "config.json")
    }

    func rows() -> [CostRow] {
      var rows: [CostRow] = []
      try? CostLog(home.scratch.dataDir).forEach { rows.append($0) }
      return rows
    }
  }

  @Test(arguments: [Preset.claude, .codex])
  func `a tick starts a worker, which asks, writes and ends itself; both are charged`(_ preset: Preset) throws {
    let loop = try Loop(preset)
    #expect(try loop.home.looop(["_", "goal", "write", "colour", RealAgentsScript.goal]).exitCode == 0)
    let beat = try loop.home.looop(["_", "beat"])
    #expect(beat.exitCode == 0, "\(beat.errors)")
    #expect(beat.output.contains("start-worker w1"), "\(beat.output)")

    let asked = eventually(within: 40) { loop.home.scratch.exists("asks/w1-1.json") }
    let screen = try loop.home.looop(["screenshot", "w1"])
    try #require(asked, "\(screen.output)")
    #expect(try loop.home.looop(["_", "answer", "w1-1", "blue"]).exitCode == 0)
    #expect(eventually(within: 40) { loop.home.scratch.read("reports/w1") == "blue\n" })
    #expect(
      eventually(within: 40) { Sessions.find("w1", in: loop.home.scratch.dataDir)?.isAlive != true }, "it ends itself")

    #expect(try loop.home.looop(["_", "beat", "--force"]).exitCode == 0)
    let rows = loop.rows()
    let ticks = rows.filter { $0.kind == "tick" }
    #expect(ticks.map(\.tokens) == [RealAgentsScript.start, RealAgentsScript.idle])
    let worker = rows.filter { $0.kind == "session" }
    #expect(worker.map(\.id) == ["w1"])
    #expect(worker.first?.tokens == RealAgentsScript.worker)
    #expect(rows.allSatisfy { $0.runner == preset.rawValue || $0.runner == "env" || $0.model != nil })
    #expect(rows.allSatisfy { $0.microUSD > 0 && $0.source == (preset == .claude ? .reported : .priced) })
    if preset == .codex { #expect(rows.map(\.model) == ["gpt-5", "gpt-5", "gpt-5"]) }
    // The raw events stand beside each run, and claude's own total is what was charged.
    for tick in ticks {
      let events = try #require(loop.home.scratch.read("runs/\(tick.id)/events.ndjson"))
      let results = events.split(separator: "\n").compactMap { try? JSON(parsing: String($0)) }
      let reported = results.last { $0["type"]?.string == "result" }?["total_cost_usd"]?.double
      #expect(!results.isEmpty)
      if preset == .claude { #expect(reported.map(Money.microUSD) == tick.microUSD) }
    }
    // A beat on, nothing is charged twice.
    _ = try loop.home.looop(["_", "beat", "--force"])
    #expect(loop.rows().filter { $0.kind == "session" }.count == 1)
  }

  @Test(arguments: [SIGKILL, SIGTERM])
  func `a beat that is killed takes its runner with it, and the run is charged as a bound`(_ signal: Int32) throws {
    let loop = try Loop(.claude)
    #expect(try loop.home.looop(["_", "goal", "write", "slow", "a slow goal"]).exitCode == 0)
    let beat = try loop.home.start(["_", "beat"])
    try #require(eventually(within: 40) { loop.model.heard.contains("a slow goal") })
    let runners = try RunningProcess.shell("pgrep -P \(beat.pid)").output.split(separator: "\n").compactMap {
      Int32($0)
    }
    #expect(runners.count == 1)
    kill(beat.pid, signal)
    _ = beat.wait(within: 10)
    #expect(eventually { runners.allSatisfy { ProcessIdentity.of($0) == nil } }, "it must not go on spending")
    #expect(loop.rows().isEmpty)
    #expect(try loop.home.looop(["_", "goal", "archive", "slow"]).exitCode == 0)
    #expect(try loop.home.looop(["_", "beat", "--force"]).exitCode == 0)
    let rows = loop.rows()
    #expect(rows.map(\.source) == [.bound, .reported])
    #expect(rows.allSatisfy { $0.microUSD > 0 })
  }

  @Test func `a runner that is killed in the middle of a tick is charged as a bound`() throws {
    let loop = try Loop(.claude)
    #expect(try loop.home.looop(["_", "goal", "write", "slow", "a slow goal"]).exitCode == 0)
    let beat = try loop.home.start(["_", "beat"])
    try #require(eventually(within: 40) { loop.model.heard.contains("a slow goal") })
    _ = try RunningProcess.shell("pkill -9 -P \(beat.pid)")
    _ = beat.wait(within: 20)
    #expect(beat.output.contains("signal 9"), "\(beat.output)")
    let rows = loop.rows()
    #expect(rows.map(\.source) == [.bound])
    #expect(rows.allSatisfy { $0.microUSD > 0 })
  }
}
