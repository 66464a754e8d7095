import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

/// The real `claude` and `codex`, each driving a beat from prompt to carried-out move, against a scripted model on loopback.
@Suite(
  .serialized, .timeLimit(.minutes(10)),
  .enabled(if: RealAgents.arePresent, "needs the real claude and codex, and a scripted model"))
struct RealRunnerTests {
  static let move = #"{"action":"write_goal","id":"seen","body":"the model was here","journal":"model wrote a goal"}"#

  @Test func `claude decides: from its final answer, reported to the micro-dollar`() throws {
    let loop = try RealLoop(.claude, rules: [["match": "CONSTITUTION", "reply": .string(Self.move)]])
    let result = loop.beat()
    try expectDecided(loop, result)
    let row = try loop.charge()
    #expect(row.runner == "claude" && row.source == .reported)
    let billed = try loop.event("result")
    #expect(row.microUSD == Figures.microUSD(billed["total_cost_usd"]) && row.microUSD > 0)
    #expect(row.tokens?.output == 60 && row.tokens?.input == 1200)
  }

  @Test func `codex decides: from its last message, its tokens counted`() throws {
    let loop = try RealLoop(.codex, rules: [["match": "CONSTITUTION", "reply": .string(Self.move)]])
    let result = loop.beat()
    try expectDecided(loop, result)
    let row = try loop.charge()
    #expect(row.runner == "codex" && row.source == .priced)
    #expect(row.tokens == TokenCount(input: 1200, output: 60))
    let quote = PriceTable.shipped.price(
      ChargedTokens(input: 1200, output: 60), model: row.model, on: CivilDate(LocalTime(row.ts)))
    #expect(!quote.unpriced && row.microUSD == quote.usd.micros)
    #expect(try loop.event("turn.completed")["usage"] != nil)
  }

  @Test(arguments: [Preset.claude, .codex]) func `a decision file written by its tool wins`(_ preset: Preset) throws {
    let loop = try RealLoop(
      preset,
      rules: [
        ["match": "TOOL_RESULT", "reply": "I wrote the file."],
        ["match": "CONSTITUTION", "bash": .string("printf '%s' '\(Self.move)' > .decision.json")],
      ])
    try expectDecided(loop, loop.beat())
    // Two requests, one run, one charge.
    #expect(try loop.charge().tokens?.output == 120)
  }

  @Test(arguments: [Preset.claude, .codex]) func `prose is a failure that the next prompt shows`(
    _ preset: Preset
  ) throws {
    let loop = try RealLoop(
      preset,
      rules: [
        ["match": "LAST FAILURE.*no JSON object", "reply": .string(Self.move)],
        ["match": "CONSTITUTION", "reply": "I would rather talk about it."],
      ])
    let first = loop.beat()
    #expect(first.report.outcome == .failed, "\(first.report)")
    loop.time.advance(by: 61)
    try expectDecided(loop, loop.beat())
  }

  private func expectDecided(_ loop: RealLoop, _ result: Beat.Result) throws {
    let said = FileReading.of(loop.scratch.appending("tick.log")).text ?? ""
    #expect(result.report.outcome == .decided && result.report.action == "write_goal", "\(result.report)\n\(said)")
    #expect(loop.scratch.read("goals/seen.md") == "the model was here\n")
    #expect(loop.scratch.read("journal.md")?.contains("model wrote a goal") == true)
    #expect(!loop.scratch.exists(".decision.json") && !loop.scratch.exists(".cost-hold.json"))
  }
}

/// A data dir, a runner home and a scripted model.
private final class RealLoop {
  let scratch: ScratchDirectory
  let time = FixedClock(HostClock.system.wall())
  /// codex does not like a home below `/tmp`.
  private let home: ScratchDirectory
  private let model: RealAgents.Model
  private let environment: HostEnvironment

  init(_ preset: Preset, rules: [JSON]) throws {
    scratch = try ScratchDirectory()
    home = try ScratchDirectory(in: "/var/tmp")
    try scratch.write("be calm\n", to: "PLAYBOOK.md")
    model = try RealAgents.Model(home, rules: rules)
    try home.write(model.codexConfiguration, to: ".codex/config.toml")
    environment = HostEnvironment(
      ["HOME": home.path.string, "LANG": "C.UTF-8", "MOCK_KEY": "x", "LOOOP_TICK_TIMEOUT_SECS": "120"]
        .merging(RealAgents.environment) { _, new in new }.merging(model.claudeEnvironment) { _, new in new })
    try RunnerConfig(preset).write(to: scratch.appending("config.json"))
  }

  func beat() -> Beat.Result {
    var admission = StandaloneAdmission(
      scratch.dataDir, config: try? RunnerConfig.load(scratch.dataDir, environment), environment: environment,
      clock: time.clock)
    let setup = LoopSetup(
      scratch.dataDir, environment: environment, binary: "/nonexistent/looop", clock: time.clock)
    return Beat(setup).run(force: false, admission: &admission)
  }

  /// The last charge.
  func charge() throws -> CostRow {
    var last: CostRow?
    try CostLog(scratch.dataDir).forEach { last = $0 }
    return try #require(last)
  }

  /// The last raw event of a type, of the last run.
  func event(_ type: String) throws -> JSON {
    let run = try #require(scratch.names("runs").last)
    let events = (scratch.read("runs/\(run)/events.ndjson") ?? "").split(separator: "\n").compactMap {
      try? JSON(parsing: String($0))
    }
    return try #require(events.last { $0["type"]?.string == type })
  }
}
