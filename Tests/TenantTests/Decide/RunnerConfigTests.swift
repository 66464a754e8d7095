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

  /// What a shell makes of both commands: the brief is one word, also where it looks like options, quotes or more commands.
  @Test(arguments: [Preset.claude, .codex, .opencode, .pi]) func `a shell hands each preset its whole brief`(
    _ preset: Preset
  ) throws {
    let scratch = try ScratchDirectory()
    let brief = "--help $(touch harm) `touch harm` \"one\" 'two'\n; touch harm"
    try scratch.write(brief, to: "brief's file")
    try scratch.write(
      "#!/bin/sh\ncase $0 in *claude) cat;; esac\nfor word; do printf '%s\\0' \"$word\"; done\nprintf '%s' \"$OPENCODE_PERMISSION\" > permission\n",
      to: "bin/\(preset.rawValue)", mode: 0o755)
    for template in [preset.tickCommand, preset.workerCommand] {
      let command = PromptPlaceholder.substitute(scratch.appending("brief's file"), in: try #require(template))
      let ran = try RunningProcess.run(
        "/bin/bash", ["-c", command], environment: ["PATH": "\(scratch.appending("bin")):/usr/bin:/bin"], input: brief,
        directory: scratch.path)
      #expect(ran.exitCode == 0, "\(ran.errors)")
      // pi reads the file itself; claude's tick reads its input.
      let whole = preset == .pi ? "@" + scratch.appending("brief's file").string : brief
      #expect(ran.output.contains(whole), "\(command)\n\(ran.output)")
      if preset == .opencode { #expect(try JSON(parsing: scratch.read("permission") ?? "") == ["*": "allow"]) }
    }
    #expect(scratch.read("harm") == nil)
  }
}
