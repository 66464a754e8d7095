import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct ParkedMovesTests {
  let base: ExecutorTests
  var scratch: ScratchDirectory { base.scratch }
  var data: DataDir { base.data }

  init() throws { base = try ExecutorTests() }

  /// Irreversible by its target, harmless to run: the place outside is the test's own second directory.
  private func push() -> Move { Move(.runShell(command: "echo x >> ran.txt", reason: nil), irreversible: true) }

  private func answer(_ text: String, _ id: String = "gate-1") throws {
    try scratch.write(#"{"answer":"\#(text)","ts":5,"by":"ann"}"#, to: "answers/\(id).json")
  }

  @Test func `a gated move becomes an ask and does not run`() throws {
    let executed = try base.executor().execute(push())
    #expect(executed.kind == "parked")
    #expect(executed.parked?.askID == "gate-1")
    #expect(!scratch.exists("ran.txt"))
    let ask = try #require(scratch.json("asks/gate-1.json"))
    #expect(ask["irreversible"] == true)
    #expect(ask["options"] == ["yes", "no"])
    #expect(ask["prompt"]?.string?.contains("echo x >> ran.txt") == true)
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.isEmpty)
    #expect(ParkedMoves(data).forPrompt().map(\.phase) == [.waiting])
  }

  @Test func `a command is gated by the rules, whatever the decider says`() throws {
    _ = try base.executor().execute(Move(.runShell(command: "git push origin main", reason: "r")))
    #expect(scratch.json("parked/1.json")?["why"] == "pushes to main")
    let verify = WorkerWish(id: "w", prompt: "p", verify: "terraform apply")
    #expect(try base.executor().execute(Move(.startWorker(verify))).kind == "parked")
    let sensor = Action.writeSensor(name: "s", script: "#!/bin/sh\ngit push origin main\n")
    #expect(try base.executor().execute(Move(sensor)).kind == "parked")
    #expect(base.workers.calls.withLock { $0 }.isEmpty)
    #expect(!scratch.exists("sensors/s.sh"))
  }

  @Test func `a human's own verb is not gated, but the deny-list stands`() throws {
    let executed = try base.executor().execute(push(), origin: .manual)
    #expect(executed.kind == "shell")
    #expect(throws: ActError.self) {
      try base.executor().execute(Move(.runShell(command: "sudo true", reason: nil)), origin: .manual)
    }
  }

  @Test func `the same move is not parked twice, another is`() throws {
    #expect(try base.executor().execute(push()).parked?.number == 1)
    #expect(try base.executor().execute(push()).parked?.number == 1)
    #expect(try base.executor().execute(Move(.archiveGoal(id: "setup"), irreversible: true)).parked?.number == 2)
  }

  @Test(arguments: [
    "yes", "Y", " ok.", "Approved!", "yes, please", "Yes, go ahead", "LGTM",
  ])
  func `an explicit yes runs it, once`(_ text: String) throws {
    _ = try base.executor().execute(push())
    try answer(text)
    let (settled, _) = ParkedMoves(data).takeAnswers(base.executor())
    #expect(settled.map(\.phase) == [.done])
    #expect(scratch.read("ran.txt") == "x\n")
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.isEmpty)
    #expect(scratch.read("ran.txt") == "x\n")
    #expect(Journal.tail(data, lines: 1).first?.contains("approved by ann as gate-1") == true)
  }

  @Test(arguments: [
    "no", "n", "", "maybe", "yes?", "yes but not on Friday", "do not do it", "not yet", "do it", "go ahead", "sure",
    "please",
    "yesterday", "ok if the tests pass", "1", "not ok", "nope, yes I mean no",
  ])
  func `anything else is a no, and the next prompt shows it`(_ text: String) throws {
    _ = try base.executor().execute(push())
    try answer(text)
    let (settled, _) = ParkedMoves(data).takeAnswers(base.executor())
    #expect(settled.map(\.phase) == [.refused])
    #expect(!scratch.exists("ran.txt"))
    let shown = ParkedMoves(data).forPrompt()
    #expect(shown.first?.line.contains("REFUSED") == true)
    try ParkedMoves(data).markShown(shown)
    #expect(ParkedMoves(data).forPrompt().isEmpty)
  }

  @Test func `a corrupt answer is none`() throws {
    _ = try base.executor().execute(push())
    try scratch.write("{\"answer\":\"ye", to: "answers/gate-1.json")
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.isEmpty)
    #expect(ParkedMoves(data).forPrompt().map(\.phase) == [.waiting])
  }

  @Test func `a withdrawn ask is a no`() throws {
    _ = try base.executor().execute(push())
    AtomicFile.remove(data.ask("gate-1"))
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.map(\.phase) == [.refused])
  }

  @Test func `a crash between the record and the ask asks again`() throws {
    let parked = ParkedMove(number: 1, move: push(), why: "w", parkedAt: 3)
    try StateFile.write(parked.json, to: data.parkedMoves.appending("1.json"))
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.isEmpty)
    #expect(scratch.exists("asks/gate-1.json"))
    try answer("yes")
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.map(\.phase) == [.done])
  }

  @Test func `a crash while it ran never runs it again`() throws {
    var parked = ParkedMove(number: 1, move: push(), why: "w", parkedAt: 3)
    parked.phase = .running
    parked.asked = true
    try StateFile.write(parked.json, to: data.parkedMoves.appending("1.json"))
    try answer("yes")
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.map(\.phase) == [.interrupted])
    #expect(!scratch.exists("ran.txt"))
  }

  @Test func `an approved move that fails is over, and says why`() throws {
    _ = try base.executor().execute(Move(.runShell(command: "echo half; exit 4", reason: nil), irreversible: true))
    try answer("yes")
    let settled = ParkedMoves(data).takeAnswers(base.executor()).over
    #expect(settled.map(\.phase) == [.failed])
    #expect(settled.first?.outcome?.contains("exited with 4: half") == true)
  }

  @Test func `a yes does not lift the deny-list`() throws {
    var parked = ParkedMove(number: 1, move: Move(.runShell(command: "sudo true", reason: nil)), why: "w", parkedAt: 3)
    parked.asked = true
    try StateFile.write(parked.json, to: data.parkedMoves.appending("1.json"))
    try answer("yes")
    #expect(ParkedMoves(data).takeAnswers(base.executor()).over.map(\.phase) == [.failed])
  }

  @Test(arguments: ["answers/gate-\(Int.max).json", "parked/\(Int.max).json", "asks/gate-\(Int.max).json"])
  func `debris with the last number stops no parking`(_ debris: String) throws {
    try scratch.write("{}", to: debris)
    #expect(try base.executor().execute(push()).parked?.number == 1)
    #expect(scratch.exists("asks/gate-1.json"))
  }

  @Test func `a brief that a shell runs is gated, and the ask shows it`() throws {
    let wish = WorkerWish(id: "w", prompt: "git push origin main", command: "bash {{prompt_file}}")
    #expect(try base.executor().execute(Move(.startWorker(wish))).kind == "parked")
    #expect(scratch.json("parked/1.json")?["why"] == "pushes to main")
    #expect(scratch.json("asks/gate-1.json")?["prompt"]?.string?.contains("git push origin main") == true)
    #expect(base.workers.calls.withLock { $0 }.isEmpty)
  }

  @Test func `numbers are never used again, debris never runs, unknown fields survive`() throws {
    try scratch.write(#"{"answer":"yes","ts":1}"#, to: "answers/gate-7.json")
    try scratch.write("{", to: "parked/3.json")
    try scratch.write(#"{"phase":"waiting","move":{"action":"boom"}}"#, to: "parked/4.json")
    #expect(try base.executor().execute(push()).parked?.number == 8)
    var json = try #require(scratch.json("parked/8.json"))
    json["mine"] = 1
    try StateFile.write(json, to: data.parkedMoves.appending("8.json"))
    try answer("no", "gate-8")
    let (settled, notices) = ParkedMoves(data).takeAnswers(base.executor())
    #expect(settled.count == 1)
    #expect(notices.count == 3)
    #expect(scratch.json("parked/8.json")?["mine"] == 1)
  }
}
