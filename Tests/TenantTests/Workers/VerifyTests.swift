import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct VerifyTests {
  private func session(_ id: String, alive: Bool, state: Session.State = .exited) -> Session {
    Session(
      id: id, state: state, command: [], exitCode: 0, holder: 1, identity: nil, childPid: nil, startedAt: 1,
      lastChange: 1, isAlive: alive)
  }

  private func run(
    _ fixture: SessionFixture, _ sessions: [Session]?, limits: Verify.Limits = .init(), clock: HostClock = .system
  ) -> [Verify.Event] {
    Verify(fixture.data).runDue(sessions: sessions, environment: fixture.environment, limits: limits, clock: clock)
  }

  @Test(arguments: [
    ("test -e here", true, 0 as Int64?), ("exit 3", false, 3), ("kill -9 $$", false, nil),
  ]) func `a verdict is what the command says, in the data dir`(
    _ command: String, _ passed: Bool, _ code: Int64?
  ) throws {
    let fixture = try SessionFixture()
    try fixture.scratch.write("", to: "d/here")
    let verify = Verify(fixture.data)
    try verify.store("w", command: command)
    let events = run(fixture, [session("w", alive: false)])
    #expect(events == [.verified(id: "w", passed: passed, command: command)])
    #expect(verify.verdict("w")?.passed == passed)
    #expect(verify.verdict("w")?.exitCode == code)
    // Once only.
    #expect(run(fixture, [session("w", alive: false)]) == [])
  }

  @Test func `chatty output neither blocks nor grows, and its end is kept`() throws {
    let fixture = try SessionFixture()
    try Verify(fixture.data).store("w", command: "seq 1 200000; echo the end >&2")
    _ = run(fixture, [session("w", alive: false)])
    let output = try #require(Verify(fixture.data).verdict("w")?.output)
    #expect(output.hasSuffix("the end\n"))
    #expect(output.utf8.count <= 2048)
  }

  @Test func `a hanging command is a failure in time, with its children`() throws {
    let fixture = try SessionFixture()
    try Verify(fixture.data).store("w", command: "sleep 600 & echo $! > \(fixture.place("pid")); wait")
    _ = run(fixture, [session("w", alive: false)], limits: .init(timeoutSeconds: 0.5))
    #expect(Verify(fixture.data).verdict("w")?.passed == false)
    #expect(Verify(fixture.data).verdict("w")?.output.contains("timed out") == true)
    let child = try fixture.pid("pid")
    #expect(eventually { !lives(child) })
  }

  @Test func `only the dead are verified, the gone are forgotten, and an unreadable fleet puts all off`() throws {
    let fixture = try SessionFixture()
    let verify = Verify(fixture.data)
    for id in ["alive", "gone", "killed"] { try verify.store(id, command: "true") }
    #expect(run(fixture, nil) == [.skipped("the sessions cannot be read")])
    let events = run(
      fixture, [session("alive", alive: true, state: .running), session("killed", alive: false, state: .killed)])
    #expect(events == [.verified(id: "killed", passed: true, command: "true")])
    #expect(fixture.scratch.names("d/verify") == ["alive.cmd", "killed.cmd", "killed.json"])
  }

  @Test func `an unreadable command is a failure, never a pass`() throws {
    let fixture = try SessionFixture()
    try Directory.create(fixture.scratch.appending("d/verify/w.cmd"))
    _ = run(fixture, [session("w", alive: false)])
    #expect(Verify(fixture.data).verdict("w")?.passed == false)
  }

  @Test func `a launch in flight keeps its obligation`() throws {
    let fixture = try SessionFixture()
    let verify = Verify(fixture.data)
    try verify.store("w", command: "true")
    var record = WorkerRecord(id: "w", requestedAt: 100, generation: "g")
    record.phase = .starting
    record.startedAt = 100
    try WorkerRecords(fixture.data).write(record)
    let clock = FixedClock(110)
    #expect(run(fixture, [], clock: clock.clock) == [])
    #expect(fixture.scratch.exists("d/verify/w.cmd"))
    clock.advance(by: 100)
    #expect(run(fixture, [], clock: clock.clock) == [])
    #expect(!fixture.scratch.exists("d/verify/w.cmd"))
  }

  @Test func `a beat's budget puts the rest off`() throws {
    let fixture = try SessionFixture()
    for id in ["a", "b"] { try Verify(fixture.data).store(id, command: "sleep 0.3") }
    let events = run(
      fixture, [session("a", alive: false), session("b", alive: false)], limits: .init(beatBudgetSeconds: 0.1))
    #expect(events == [.verified(id: "a", passed: true, command: "sleep 0.3"), .deferred(id: "b")])
  }

  @Test func `aged corpses go with all that is theirs`() throws {
    let fixture = try SessionFixture()
    let meta: JSON = ["id": "w", "cmd": ["x"], "babysit_pid": 2_000_000_000, "started_at": "2026-01-01T00:00:00Z"]
    try fixture.write(session: "w", meta: meta, status: ["state": "exited", "exit_code": 0])
    try Verify(fixture.data).store("w", command: "true")
    try Tells(fixture.data).queue("late", for: "w", now: 1)
    var record = WorkerRecord(id: "w", requestedAt: 1, generation: "g")
    record.phase = .running
    try WorkerRecords(fixture.data).write(record)
    let now = HostClock.system.now
    let sessions = try Sessions.list(fixture.data)
    #expect(Reaper(fixture.data, ttlSeconds: 100).run(sessions, now: now) == [])
    #expect(fixture.scratch.json("d/workers/w.json")?["phase"] == "exited")
    #expect(Reaper(fixture.data, ttlSeconds: 100).run(sessions, now: now + 200) == ["w"])
    for place in ["sessions", "verify", "tells", "workers"] {
      #expect(fixture.scratch.names("d/\(place)").filter { $0 != "consumed" } == [], "\(place)")
    }
  }
}
