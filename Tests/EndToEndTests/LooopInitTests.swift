import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// `init`, unattended and in a terminal.
@Suite struct LooopInitTests {
  let home: LooopHome

  init() throws { home = try LooopHome() }

  @Test(arguments: ["claude", "codex", "opencode", "pi", "rules"])
  func `a preset sets both commands`(runner: String) throws {
    let result = try home.looop(["init", "--runner", runner])
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(result.output.contains("(runner: \(runner))."))
    let config = try #require(home.scratch.json("config.json"))
    #expect(config["tick_command"]?.string.map { RunnerKind.of($0).rawValue } == runner)
    #expect(config["worker_command"]?.string?.contains("{{prompt_file}}") == true)
    #expect(home.scratch.exists("PLAYBOOK.md"))
    #expect(home.scratch.exists("asks/setup-1.json"))
    #expect(home.scratch.exists("rules.json") == (runner == "rules"))
  }

  @Test func `unknown keys of the configuration survive`() throws {
    try home.scratch.write(
      #"{"tick":"old","interactive":"old {{prompt_file}}","interval":7,"mine":{"a":[1]}}"#, to: "config.json")
    #expect(try home.looop(["init", "--runner", "codex"]).exitCode == 0)
    let config = try #require(home.scratch.json("config.json"))
    #expect(config["interval"] == 7)
    #expect(config["mine"] == ["a": [1]])
    #expect(config["tick"] == nil)
    #expect(config["tick_command"]?.string?.hasPrefix("codex exec") == true)
  }

  @Test func `without a terminal it keeps what is there, or takes the default`() throws {
    #expect(try home.looop(["init"]).exitCode == 0)
    #expect(home.scratch.json("config.json")?["tick_command"]?.string?.hasPrefix("claude") == true)
    #expect(try home.looop(["init", "--tick-command", "t", "--worker-command", "w {{prompt_file}}"]).exitCode == 0)
    #expect(try home.looop(["init"]).output.contains("(runner: custom)"))
    #expect(home.scratch.json("config.json")?["tick_command"] == "t")
  }

  @Test func `wiring that cannot work is refused and leaves no file`() throws {
    for arguments in [
      ["--runner", "nosuch"], ["--runner", "custom"], ["--tick-command", "t"],
      ["--runner", "custom", "--tick-command", "t", "--worker-command", "no placeholder"],
    ] {
      let result = try home.looop(["init"] + arguments)
      #expect(result.exitCode == 1, "\(arguments)")
      #expect(!home.scratch.exists("config.json"))
      #expect(!home.scratch.exists("PLAYBOOK.md"))
    }
    try home.scratch.write("{broken", to: "config.json")
    #expect(try home.looop(["init", "--runner", "rules"]).exitCode == 1)
    #expect(home.scratch.read("config.json") == "{broken")
  }

  @Test func `a data dir too long for a socket is refused at once`() throws {
    let long = home.scratch.appending(String(repeating: "d", count: 120))
    let result = try home.looop(["init", "--runner", "rules"], environment: ["LOOOP_DATA_DIR": long.string])
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("too long"))
    #expect(!Directory.exists(long))
  }

  /// `script` gives it a terminal.
  private func inTerminal(_ keys: String) throws -> RunningProcess {
    let process = try RunningProcess(
      "/usr/bin/script", ["-qec", "stty cols 100 rows 30; exec '\(BuiltProducts.looop)' init", "/dev/null"],
      environment: home.environment.merging(["TERM": "xterm"]) { $1 })
    #expect(eventually { process.output.contains("custom") && process.output.contains("❯") })
    process.write(keys)
    return process
  }

  @Test(.enabled(if: access("/usr/bin/script", X_OK) == 0, "needs script(1)"))
  func `in a terminal it asks, and the commands can be edited`() throws {
    // Down to codex, take it; the tick command gets a suffix; the worker command is kept.
    let process = try inTerminal("\u{1B}[B\r")
    #expect(eventually { process.output.contains("tick command") })
    process.write(" --mine\r")
    #expect(eventually { process.output.contains("worker command") })
    process.write("\r")
    #expect(process.wait() == .code(0), "\(process.output)")
    let config = try #require(home.scratch.json("config.json"))
    #expect(config["tick_command"]?.string?.hasPrefix("codex exec") == true)
    #expect(config["tick_command"]?.string?.hasSuffix(" --mine") == true)
    #expect(config["worker_command"]?.string == Preset.codex.workerCommand)
  }

  @Test(
    .enabled(if: access("/usr/bin/script", X_OK) == 0, "needs script(1)"), arguments: ["\u{1B}", "\u{3}", "\r\u{3}"])
  func `leaving writes nothing`(keys: String) throws {
    let process = try inTerminal(keys)
    #expect(process.wait() == .code(130), "\(process.output)")
    #expect(process.output.contains("aborted (no config written)."))
    #expect(home.scratch.names("").isEmpty)
  }
}
