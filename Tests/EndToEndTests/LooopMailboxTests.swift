import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Asking, waiting and answering with the built program, over restarts of the loop.
@Suite(.timeLimit(.minutes(3))) struct LooopMailboxTests {
  let home: LooopHome

  init() throws {
    home = try LooopHome(["LOOOP_INTERVAL": "600", "LOOOP_WAIT_POLL_MS": "20", "LOOOP_ASK_POLL_MS": "20"])
    try #require(try home.looop(["init", "--runner", "rules"]).exitCode == 0)
    try home.scratch.write("[]\n", to: "rules.json")
    try #require(try home.looop(["answer", "setup-1", "watch nothing"]).exitCode == 0)
  }

  private func publish(_ number: Int) throws {
    try StateFile.write(
      ["id": .string("w-\(number)"), "prompt": "?", "ts": .int(Int64(number)), "worker": "w"],
      to: home.scratch.dataDir.ask("w-\(number)"))
  }

  @Test func `a caller that waits again neither spins nor misses`() throws {
    #expect(try home.looop(["up"]).exitCode == 0)
    try publish(1)
    let first = try #require(try home.looop(["wait", "--only-asks", "--json"]).json)
    var token = try #require(first["token"]?.string)
    for number in 2...9 {
      let wait = ["wait", "--only-asks", "--json", "--after", token]
      let woken: JSON?
      if number.isMultiple(of: 2) {
        let waiting = try home.start(wait)
        // Who has no token is answered at once: the mailbox is not empty. Who has one stands still.
        #expect(try home.looop(["wait", "--only-asks", "--json"]).json?["changed"] == ["asks"])
        #expect(waiting.isRunning, "nothing is new, and yet it came back")
        try publish(number)
        #expect(waiting.wait() == .code(0))
        woken = try? JSON(parsing: waiting.output)
      } else {
        // Between two waits.
        try publish(number)
        woken = try home.looop(wait, within: 20).json
      }
      #expect(woken?["changed"] == ["asks"])
      #expect(woken?["asks"]?.array?.count == number)
      token = try #require(woken?["token"]?.string)
    }
    let last = try home.start(["wait", "--only-asks", "--json", "--after", token])
    #expect(try home.looop(["down"]).exitCode == 0)
    #expect(last.wait() == .code(2), "the pulse is gone")
  }

  @Test(arguments: ["human", "json"]) func `an ask outlives restarts of the pulse, and its answer is all it prints`(
    format: String
  ) throws {
    let asking = try home.start(
      ["ask", "w", "--prompt", "go?", "--options", "yes,no"], environment: ["LOOOP_LOG_FORMAT": format])
    #expect(eventually { home.scratch.exists("asks/w-1.json") })
    for _ in 0..<2 {
      #expect(try home.looop(["up"]).exitCode == 0)
      #expect(try home.looop(["down"]).exitCode == 0)
      #expect(try home.looop(["asks", "--json"]).json?.array?.map { $0["id"] } == ["w-1"])
    }
    #expect(asking.isRunning)
    #expect(try home.looop(["answer", "w-1", "two\nlines"]).exitCode == 0)
    #expect(asking.wait() == .code(0))
    #expect(asking.output == "two\nlines\n" && asking.errors.isEmpty)
  }

  @Test func `who was cut off and asks the same again waits for the first question`() throws {
    let question = ["ask", "w", "--prompt", "go?", "--options", "yes,no"]
    let first = try home.start(question)
    #expect(eventually { home.scratch.exists("asks/w-1.json") })
    // While its caller lives, the same words are another question.
    let second = try home.start(question)
    #expect(eventually { home.scratch.exists("asks/w-2.json") })
    first.signal(SIGKILL)
    #expect(first.wait() == .signal(SIGKILL))
    let again = try home.start(question)
    let other = try home.start(["ask", "w", "--prompt", "go now?", "--options", "yes,no"])
    #expect(eventually { home.scratch.exists("asks/w-3.json") })
    #expect(home.scratch.json("asks/w-3.json")?["prompt"] == "go now?")
    for (ask, answer) in [("w-1", "yes"), ("w-2", "no"), ("w-3", "later")] {
      #expect(try home.looop(["answer", ask, answer]).exitCode == 0)
    }
    #expect(again.wait() == .code(0) && again.output == "yes\n")
    #expect(second.wait() == .code(0) && second.output == "no\n")
    #expect(other.wait() == .code(0) && other.output == "later\n")
    #expect(home.scratch.names("asks").filter { $0.hasSuffix(".json") && $0.hasPrefix("w-") }.count == 3)
  }

  @Test func `a parked move waits over restarts and runs once, upon an explicit yes`() throws {
    try home.scratch.write(
      """
      [{"name":"publish","when":{"snapshot":"sensor-flag","path":"signal.on","equals":true},
        "move":{"action":"run_shell","cmd":"echo ran >>published","irreversible":true}}]
      """, to: "rules.json")
    try home.scratch.write("#!/bin/sh\necho '{\"signal\":{\"on\":true}}'\n", to: "sensors/flag.sh", mode: 0o755)
    #expect(try home.looop(["up"]).exitCode == 0)
    #expect(eventually { home.scratch.exists("asks/gate-1.json") })
    #expect(try home.looop(["down"]).exitCode == 0)
    #expect(try home.looop(["up"]).exitCode == 0)
    #expect(!home.scratch.exists("published"))
    #expect(try home.looop(["answer", "gate-1", "yes"]).exitCode == 0)
    // Its end is on disk too: `down` gives a beat no time for that.
    #expect(eventually { home.scratch.json("parked/1.json")?["phase"] == "done" })
    #expect(home.scratch.read("published") == "ran\n")
    #expect(try home.looop(["down"]).exitCode == 0)
    // The rule still holds, so the same move is asked for anew; the first yes was for the first.
    for _ in 0..<2 { #expect(try home.looop(["beat", "--force"]).exitCode == 0) }
    #expect(home.scratch.exists("asks/gate-2.json"))
    #expect(try home.looop(["answer", "gate-2", "yes, but tomorrow"]).exitCode == 0)
    for _ in 0..<2 { #expect(try home.looop(["beat", "--force"]).exitCode == 0) }
    #expect(home.scratch.read("published") == "ran\n")
    #expect(home.scratch.json("parked/2.json")?["phase"] == "refused")
    #expect(home.scratch.json("parked/1.json")?["phase"] == "done")
  }

  @Test func `the loop and its workers cannot say the yes themselves`() throws {
    func decide(_ move: String) throws {
      try home.scratch.write(#"[{"name":"x","when":{"all":[]},"move":\#(move)}]"#, to: "rules.json")
      #expect(try home.looop(["beat", "--force"]).exitCode == 0)
    }
    try decide(#"{"action":"run_shell","cmd":"echo ran >>published","irreversible":true}"#)
    try decide(#"{"action":"run_shell","cmd":"\"$LOOOP_BIN\" answer gate-1 yes"}"#)
    #expect(home.scratch.json("parked/2.json")?["why"] == "answers an ask, which is for a human")
    // By a script, which the gate does not read.
    try home.scratch.write("\"$LOOOP_BIN\" answer gate-1 yes 2>said; echo $? >status\n", to: "sly.sh")
    try decide(#"{"action":"run_shell","cmd":"bash sly.sh"}"#)
    #expect(home.scratch.read("status") == "1\n")
    #expect(home.scratch.read("said")?.contains("gate-1 waits for a human") == true)
    let worker = try home.looop(["_", "answer", "gate-1", "yes"], environment: ["LOOOP_SESSION_ID": "w"])
    #expect(worker.exitCode == 1 && worker.errors.contains("worker w") && worker.errors.contains("hint:"))
    let byFleet = try RunningProcess.run(
      BuiltProducts.looopFleet, ["answer", "web/gate-1", "yes"], environment: ["LOOOP_IN_BEAT": "1"])
    #expect(byFleet.exitCode == 1 && byFleet.errors.contains("gate-1 waits for a human"))
    #expect(!home.scratch.exists("answers/gate-1.json"))
    #expect(!home.scratch.exists("published"))
    #expect(try home.looop(["answer", "gate-1", "yes"]).exitCode == 0)
  }

  @Test func `what a killed command left is ended by the next beat, and what left its session is not`() throws {
    let running = try home.start([
      "run", "sleep 987 & echo $! >stays; setsid sleep 987 & echo $! >leaves; touch started; wait",
    ])
    #expect(eventually { home.scratch.exists("started") })
    let stays = try #require(home.scratch.read("stays").flatMap { Int32($0.dropLast()) })
    let leaves = try #require(home.scratch.read("leaves").flatMap { Int32($0.dropLast()) })
    defer { kill(leaves, SIGKILL) }
    // setsid has taken its session before it became sleep.
    #expect(eventually { getsid(leaves) == leaves })
    kill(running.pid, SIGKILL)
    #expect(running.wait() == .signal(SIGKILL))
    #expect(ProcessIdentity.of(stays) != nil)
    let beat = try home.looop(["beat"])
    #expect(beat.exitCode == 0)
    #expect(eventually { ProcessIdentity.of(stays) == nil })
    #expect(ProcessIdentity.of(leaves) != nil)
  }
}
