import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite struct SessionsTests {
  private func meta(_ pid: Int32, start: Int64? = nil, boot: String? = nil) -> JSON {
    var json: JSON = [
      "id": "w", "cmd": ["bash", "-c", "x"], "babysit_pid": .int(Int64(pid)), "started_at": "2026-06-30T12:05:09Z",
      "future": true,
    ]
    json["start_time"] = start.map(JSON.int)
    json["boot_id"] = boot.map(JSON.string)
    return json
  }

  private func status(_ state: String, exit: JSON = .null) -> JSON {
    [
      "state": .string(state), "child_pid": 2_000_000_001, "exit_code": exit,
      "last_change": "2026-06-30T12:05:10.123456+00:00",
    ]
  }

  @Test func `a record of looop 1 reads right`() throws {
    let fixture = try SessionFixture()
    try fixture.write(session: "w", meta: meta(getpid()), status: status("running"))
    let session = try fixture.session("w")
    #expect(session.isAlive)
    #expect(session.identity == nil)
    #expect(session.childPid == 2_000_000_001)
    #expect(session.startedAt == 1_782_821_109)
    #expect(session.lastChange == 1_782_821_110)
    #expect(session.command == ["bash", "-c", "x"])
  }

  @Test(arguments: [
    ("running", true), ("starting", true), ("exited", false), ("killed", false), ("unheard-of", true),
  ]) func `only an open state can be alive`(_ state: String, _ alive: Bool) throws {
    let fixture = try SessionFixture()
    try fixture.write(session: "w", meta: meta(getpid()), status: status(state))
    #expect(try fixture.session("w").isAlive == alive)
  }

  @Test func `a recycled pid is not alive`() throws {
    let fixture = try SessionFixture()
    let me = try #require(ProcessIdentity.of(getpid()))
    try fixture.write(
      session: "ours", meta: meta(me.pid, start: me.startTime, boot: me.bootID), status: status("running"))
    try fixture.write(
      session: "older", meta: meta(me.pid, start: me.startTime - 5, boot: me.bootID), status: status("running"))
    try fixture.write(
      session: "before-boot", meta: meta(me.pid, start: me.startTime, boot: "another"), status: status("running"))
    try fixture.write(session: "nobody", meta: meta(2_000_000_000), status: status("running"))
    let alive = try Sessions.list(fixture.data).filter(\.isAlive).map(\.id)
    #expect(alive == ["ours"])
  }

  @Test func `a zombie holder is not alive`() throws {
    let fixture = try SessionFixture()
    let pid = try Spawn("/bin/true", [], environment: fixture.environment).start()
    #expect(eventually { ProcessIdentity.of(pid) == nil })
    #expect(kill(pid, 0) == 0)
    try fixture.write(session: "w", meta: meta(pid), status: status("running"))
    #expect(try !fixture.session("w").isAlive)
    var status: CInt = 0
    waitpid(pid, &status, 0)
  }

  @Test func `a missing status is starting, and no meta is no session`() throws {
    let fixture = try SessionFixture()
    try fixture.write(session: "young", meta: meta(getpid()), status: nil)
    try fixture.write(session: "bare", meta: nil, status: status("running"))
    try fixture.write(session: "odd", meta: "text", status: nil)
    try fixture.scratch.write("x", to: "d/sessions/a-file")
    #expect(try Sessions.list(fixture.data).map(\.id) == ["young"])
    #expect(try fixture.session("young").state == .starting)
    // Never deleted, whatever its age.
    Reaper(fixture.data, ttlSeconds: 0).run(try Sessions.list(fixture.data), now: HostClock.system.now + 1_000_000)
    #expect(fixture.scratch.exists("d/sessions/bare"))
  }

  @Test func `an absent directory is empty, an unlistable one is an error`() throws {
    let fixture = try SessionFixture()
    #expect(try Sessions.list(fixture.data) == [])
    try fixture.scratch.write("a file", to: "e/sessions/x")
    #expect(symlink("loop", fixture.place("e2")) == 0)
    try Directory.create(fixture.scratch.appending("f"))
    #expect(symlink("sessions", fixture.place("f/sessions")) == 0)
    #expect(throws: HostError.self) { try Sessions.list(DataDir(fixture.scratch.appending("f"))) }
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0 as Int64?), ("2026-06-30T14:05:09+02:00", 1_782_821_109),
    ("2026-06-30T12:05:09.999Z", 1_782_821_109), ("yesterday", nil), ("", nil), ("2026-06-30T12:05:09+xx", nil),
  ]) func `times of records`(_ text: String, _ expected: Int64?) {
    #expect(LocalTime.unix(rfc3339: text) == expected)
  }

  @Test(arguments: [
    (false, true, 0 as Int64?, Health.dead), (true, true, 5000, .waitingAsk), (true, false, 900, .stuck),
    (true, false, 899, .busy),
    (true, false, nil, .busy),
  ]) func `health is the worst that is true`(_ alive: Bool, _ waiting: Bool, _ idle: Int64?, _ expected: Health) {
    #expect(Health.of(isAlive: alive, isWaiting: waiting, idleSeconds: idle, stuckAfter: 900) == expected)
  }

  @Test func `a limit of 0 is never stuck`() {
    #expect(Health.of(isAlive: true, isWaiting: false, idleSeconds: 99_999, stuckAfter: 0) == .busy)
  }

  @Test func `summaries know asks, tells and verdicts`() throws {
    let fixture = try SessionFixture()
    try fixture.write(session: "w", meta: meta(getpid()), status: status("running"))
    try fixture.write(session: "pulse", meta: meta(getpid()), status: status("running"))
    let ask = try Asks(fixture.data).create(worker: "w", prompt: "?", now: 100)
    let tells = Tells(fixture.data)
    try tells.queue("one", for: "w", now: 1)
    try fixture.scratch.write(#"{"ok":false,"exit_code":2,"output":"bad","ts":1}"#, to: "d/verify/w.json")
    let summary = try #require(
      SessionSummaries.workers(
        fixture.data, sessions: try Sessions.list(fixture.data), pending: [ask], now: 160
      ).first)
    #expect(summary.id == "w")
    #expect(summary.health == "waiting-ask")
    #expect(summary.verify == false)
    #expect(summary.verifyOutput == "bad")
    #expect(summary.askAgeSeconds == 60)
    #expect(summary.pendingTells == 1)
  }
}
