import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What a restart, a crash or another directory must not change, with the built program.
@Suite(.timeLimit(.minutes(3))) struct LooopRestartTests {
  let home: LooopHome

  init() throws {
    home = try LooopHome(["LOOOP_INTERVAL": "600"])
    try #require(try home.looop(["init", "--runner", "rules"]).exitCode == 0)
    try home.scratch.write("[]\n", to: "rules.json")
    try #require(try home.looop(["answer", "setup-1", "watch nothing"]).exitCode == 0)
  }

  private var decides: Int { count("decide_start") }

  private func count(_ event: String) -> Int {
    (home.scratch.read("events.jsonl") ?? "").split(separator: "\n").count {
      (try? JSON(parsing: String($0)))?["event"]?.string == event
    }
  }

  private func killPulse() throws {
    let session = try #require(Sessions.find(Session.pulse, in: home.scratch.dataDir))
    kill(session.holder, SIGKILL)
    if let child = session.childPid { kill(child, SIGKILL) }
    #expect(try eventually { try home.looop(["state", "--json"]).json?["pulse_alive"] == false })
  }

  @Test func `a restart over an unchanged world is one forced decision`() throws {
    for restart in 1...3 {
      let beats = count("tick_start")
      #expect(try home.looop(["up"]).exitCode == 0)
      #expect(eventually { count("tick_start") > beats && decides >= restart })
      #expect(try home.looop(["beat"]).exitCode == 1, "the pulse holds the loop")
      #expect(try home.looop(["down"]).exitCode == 0)
      #expect(decides == restart)
    }
    #expect(try home.looop(["beat"]).exitCode == 0)
    #expect(decides == 3, "nothing has changed")
  }

  @Test func `a deadline outlives a killed pulse`() throws {
    try home.scratch.write(
      #"[{"name":"soon","when":{"snapshot":"sys-goals","path":"signal","exists":true},"move":{"action":"noop","next_interval_s":5}}]"#,
      to: "rules.json")
    #expect(try home.looop(["up"]).exitCode == 0)
    #expect(eventually { home.scratch.exists(".next-wake.json") }, "\(home.scratch.read("tick.log") ?? "")")
    let due = try #require(home.scratch.json(".next-wake.json")?["due"]?.int)
    try killPulse()
    // From now on nothing asks for another deadline.
    try home.scratch.write("[]\n", to: "rules.json")
    #expect(home.scratch.json(".next-wake.json")?["due"]?.int == due)
    let before = decides
    #expect(try home.looop(["up"]).exitCode == 0)
    #expect(eventually(within: 20) { !home.scratch.exists(".next-wake.json") }, "the interval is ten minutes")
    #expect(HostClock.system.now >= due && decides > before)
    #expect(try home.looop(["down"]).exitCode == 0)
  }

  @Test func `a command of another caller is not taken for one that a crash cut off`() throws {
    let running = try home.start(["run", "touch started; while [ ! -e go ]; do sleep 0.02; done; echo finished"])
    #expect(eventually { home.scratch.exists("started") })
    for _ in 0..<3 { #expect(try home.looop(["beat", "--force"]).exitCode == 0) }
    #expect(running.isRunning && count("tick_interrupted") == 0)
    try home.scratch.write("", to: "go")
    #expect(running.wait() == .code(0))
    #expect(home.scratch.json(".last-shell.json")?["output"] == "finished")
    let names = try Directory.names(home.scratch.path, includingHidden: true)
    #expect(!names.contains { $0.hasPrefix(".action-wal") })
  }

  @Test func `a relative data dir is one place, whoever works on it from where`() throws {
    let made = try RunningProcess.shell(
      """
      set -e
      mkdir -p a b; ln -s a/data link
      cd a; LOOOP_DATA_DIR=data "$L" goal write g from-a
      LOOOP_DATA_DIR=./data/../data "$L" run 'printf %s "$LOOOP_DATA_DIR" >seen; pwd >where'
      cd ../b; LOOOP_DATA_DIR=../a/data "$L" goal write h from-b
      LOOOP_DATA_DIR=../link "$L" goal write i by-link
      """, environment: ["L": BuiltProducts.looop.string], directory: home.scratch.path)
    #expect(made.exitCode == 0, "\(made.errors)")
    for (goal, text) in [("g", "from-a"), ("h", "from-b"), ("i", "by-link")] {
      #expect(home.scratch.read("a/data/goals/\(goal).md") == text + "\n")
    }
    #expect(home.scratch.read("a/data/seen")?.hasPrefix("/") == true)
    #expect(home.scratch.read("a/data/where")?.hasSuffix("/a/data\n") == true)
    #expect(!home.scratch.exists("b/data"))
  }
}
