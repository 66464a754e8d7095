import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The loop as a person runs it: init, up, ask and answer, a killed pulse, down.
@Suite(.timeLimit(.minutes(3))) struct LooopPulseTests {
  let home: LooopHome

  init() throws {
    home = try LooopHome(["LOOOP_INTERVAL": "1"])
    let result = try home.looop(["init", "--runner", "rules"])
    try #require(result.exitCode == 0, "\(result.errors)")
    try home.scratch.write("[]\n", to: "rules.json")
  }

  private func pulse() throws -> Session? { Sessions.find(Session.pulse, in: home.scratch.dataDir) }

  @Test func `init, up, ask, answer, down`() throws {
    #expect(try home.looop(["answer", "setup-1", "watch nothing"]).exitCode == 0)
    #expect(try home.looop(["up"]).output == "looop: pulse started\n")
    #expect(try home.looop(["up"]).output == "looop: pulse already running\n")
    #expect(try home.looop(["state", "--json"]).json?["pulse_alive"] == true)
    let started = try home.looop(
      [
        "worker", "start", "w1",
        #"a=$("$LOOOP_BIN" ask --prompt "go?" --options yes,no); echo "$a" >"$LOOOP_DATA_DIR/got"; sleep 600"#,
      ],
      within: 20)
    #expect(started.exitCode == 0, "\(started.errors)")
    #expect(eventually { home.scratch.exists("asks/w1-1.json") })
    let waited = try home.looop(["wait", "--only-asks", "--json"])
    #expect(waited.exitCode == 0)
    #expect(waited.json?["changed"] == ["asks"])
    #expect(try home.looop(["_", "answer", "w1-1", "yes"]).exitCode == 0)
    #expect(eventually { home.scratch.read("got") == "yes\n" })
    #expect(try home.looop(["answer", "w1-1", "no"]).exitCode == 1)
    let down = try home.looop(["down"])
    #expect(down.exitCode == 0, "\(down.errors)")
    #expect(down.output == "looop: stopped 1 worker (w1)\nlooop: pulse stopped\n")
    #expect(try home.looop(["down"]).output == "looop: pulse not running\n")
    #expect(try home.looop(["wait"]).exitCode == 2)
  }

  @Test func `a killed pulse loses nothing and starts again`() throws {
    #expect(try home.looop(["up"]).exitCode == 0)
    #expect(
      try home.looop(
        ["worker", "start", "w1", #"a=$("$LOOOP_BIN" ask --prompt q); echo "$a" >"$LOOOP_DATA_DIR/got"; sleep 600"#]
      ).exitCode == 0)
    #expect(eventually { home.scratch.exists("asks/w1-1.json") })
    let session = try #require(try pulse())
    let child = try #require(session.childPid)
    kill(session.holder, SIGKILL)
    kill(child, SIGKILL)
    #expect(try eventually { try home.looop(["state", "--json"]).json?["pulse_alive"] == false })
    // The worker lives, its ask is there, and an answer reaches it without a pulse.
    #expect(Sessions.isAlive("w1", in: home.scratch.dataDir))
    #expect(try home.looop(["answer", "w1-1", "ok"]).exitCode == 0)
    #expect(eventually { home.scratch.read("got") == "ok\n" })
    let again = try home.looop(["up"])
    #expect(again.output == "looop: pulse started\n", "\(again.errors)")
    #expect(try home.looop(["down"]).exitCode == 0)
  }

  @Test func `two ups at once start one pulse`() throws {
    let first = try home.start(["up"])
    let second = try home.start(["up"])
    #expect(first.wait() == .code(0))
    #expect(second.wait() == .code(0))
    #expect(
      Set([first.output, second.output]) == ["looop: pulse started\n", "looop: pulse already running\n"])
    #expect(try home.looop(["down"]).exitCode == 0)
  }

  @Test func `an edited goal is noticed at once and the beat decides`() throws {
    try home.scratch.write(
      """
      [{"name":"note it","when":{"snapshot":"sensor-flag","path":"signal.on","equals":true},
        "move":{"action":"write_goal","id":"noted","body":"the flag is on"}}]
      """, to: "rules.json")
    try home.scratch.write("#!/bin/sh\necho '{\"signal\":{\"on\":true}}'\n", to: "sensors/flag.sh", mode: 0o755)
    #expect(try home.looop(["up"], environment: ["LOOOP_INTERVAL": "600"]).exitCode == 0)
    #expect(eventually { home.scratch.exists("goals/noted.md") })
    #expect(try home.looop(["down"]).exitCode == 0)
    #expect(home.scratch.read("journal.md")?.contains("write-goal noted") == true)
  }

  @Test func `one beat by hand, with and without a change`() throws {
    #expect(try home.looop(["_", "beat"]).exitCode == 0)
    let again = try home.looop(["beat"])
    #expect(again.exitCode == 0, "\(again.errors)")
    #expect(try home.looop(["beat", "--force"]).exitCode == 0)
    #expect(try home.looop(["beat", "--nosuch"]).exitCode == 1)
  }

  @Test func `up refuses without a configuration, and where the runner is missing`() throws {
    let bare = try LooopHome()
    let refused = try bare.looop(["up"])
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("not initialized"))
    #expect(
      try bare.looop(["init", "--tick-command", "no-such-runner-x", "--worker-command", "/no/such {{prompt_file}}"])
        .exitCode == 0)
    let missing = try bare.looop(["up"])
    #expect(missing.exitCode == 1)
    #expect(missing.errors.contains("no-such-runner-x") && missing.errors.contains("/no/such"))
  }

  @Test func `a loop that a fleet runs is neither started nor stopped here`() throws {
    try home.scratch.write(#"{"v":1,"socket":"/s","tenant":"web"}"#, to: ".fleet.json")
    for verb in ["up", "down"] {
      let refused = try home.looop([verb])
      #expect(refused.exitCode == 1)
      #expect(refused.errors.contains("tenant web"))
      #expect(refused.errors.contains("looop-fleet"))
    }
    let wish = try home.looop(["worker", "start", "w", "true", "--repo", "web", "--base", "main"])
    #expect(wish.output.contains("pending"), "\(wish.errors)")
    #expect(home.scratch.json("workers/w.json")?["phase"] == "pending")
    #expect(try home.looop(["worker", "list"]).output.contains("pending"))
    let launched = try home.looop(["_", "worker", "launch", "w", "--json"])
    #expect(launched.json?["pid"]?.int != nil, "\(launched.errors)")
    AtomicFile.remove(home.scratch.appending(".fleet.json"))
  }
}
