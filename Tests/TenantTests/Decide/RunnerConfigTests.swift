import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct RunnerConfigTests {
  @Test func `the four answers`() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.appending("config.json")
    #expect(RunnerConfig.read(path) == .absent)
    try scratch.write("{\"tick_command\":\"x\"", to: "config.json")
    guard case .corrupt(let reason) = RunnerConfig.read(path) else {
      Issue.record("a torn file is corrupt")
      return
    }
    #expect(reason.contains("is not JSON"))
    AtomicFile.remove(path)
    try Directory.create(path)
    guard case .unreadable = RunnerConfig.read(path) else {
      Issue.record("a directory is unreadable")
      return
    }
  }

  @Test func `keys old and new`() throws {
    let config = try RunnerConfig(
      json: JSON(
        parsing: #"""
          {"tick":"pi -p | looop _ fmt","interactive":"pi","interval":2.5,"max_next_interval":600,"session_ttl":5,
           "max_daily_usd":3,"irreversible":[{"match":"make ship","why":"w"},{"match":"x"}],"mine":1}
          """#))
    #expect(config.tickCommand == "pi -p" && config.workerCommand == "pi" && config.interval == 2.5)
    #expect(config.maxNextInterval == 600 && config.sessionTTL == 5 && config.maxDailyUSD == 3)
    #expect(config.irreversible.map(\.match) == ["make ship", "x"])
  }

  @Test func `a rewrite keeps what it does not know`() throws {
    var config = try RunnerConfig(json: JSON(parsing: #"{"tick":"a","interactive":"b","mine":{"x":1},"interval":5}"#))
    config.tickCommand = "claude"
    let scratch = try ScratchDirectory()
    try config.write(to: scratch.appending("config.json"))
    #expect(
      scratch.json("config.json") == ["tick_command": "claude", "worker_command": "b", "mine": ["x": 1], "interval": 5])
  }

  @Test(arguments: [
    "[]", #"{"tick_command":1}"#, #"{"interval":"5"}"#, #"{"irreversible":{}}"#, #"{"irreversible":[{"why":"x"}]}"#,
  ]) func `a wrong type is an error`(_ text: String) {
    #expect(throws: ConfigError.self) { try RunnerConfig(json: JSON(parsing: text)) }
  }

  @Test func `a blank command is none, and LOOOP_CONFIG names another file`() throws {
    #expect(try RunnerConfig(json: ["tick_command": " "]).tickCommand == nil)
    let data = DataDir("/d")
    #expect(RunnerConfig.path(data, HostEnvironment([:])) == "/d/config.json")
    #expect(RunnerConfig.path(data, HostEnvironment(["LOOOP_CONFIG": "/c.json"])) == "/c.json")
  }

  @Test(arguments: Preset.allCases.filter { $0 != .custom }) func `every preset can be metered and unattended`(
    _ preset: Preset
  ) {
    let tick = preset.tickCommand ?? ""
    #expect(RunnerKind.of(tick).rawValue == preset.rawValue)
    #expect(CommandTemplate.problem(preset.workerCommand ?? "") == nil)
    if preset != .rules { #expect(tick.contains("json")) }
  }
}
