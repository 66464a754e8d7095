import Testing

@testable import Tenant

@Suite struct SystemReadingsTests {
  @Test func `sessions: only coarse facts wake`() {
    var one = SessionSummary(
      id: "b", state: "running", alive: true, health: "busy", idleSeconds: 3, uptimeSeconds: 9, pendingTells: 2)
    let two = SessionSummary(
      id: "a", state: "exited", alive: false, exitCode: 1, health: "dead", verify: false, verifyOutput: "no")
    let reading = SystemReadings.sessions([one, two])
    #expect(
      reading["signal"]?.compact
        == #"[{"exit_code":1,"health":"dead","id":"a","state":"exited","verify":"fail"},{"exit_code":null,"health":"busy","id":"b","state":"running"}]"#
    )
    #expect(
      reading["detail"]?.compact
        == #"{"count":2,"workers":{"a":{"verify_output":"no"},"b":{"idle_s":3,"pending_tells":2,"uptime_s":9}}}"#)
    one.idleSeconds = 99
    #expect(SystemReadings.sessions([two, one])["signal"] == reading["signal"])
    one.health = "stuck"
    #expect(SystemReadings.sessions([two, one])["signal"] != reading["signal"])
  }

  @Test func `claims, goals and asks`() {
    #expect(
      SystemReadings.claims(["z": ["session": "w"], "a": .null])["signal"]?.compact
        == #"[{"claim":null,"name":"a"},{"claim":{"session":"w"},"name":"z"}]"#)
    let goals = SystemReadings.goals(["g", "h"], lastActed: ["g": 90], now: 100)
    #expect(
      goals.compact
        == #"{"detail":{"goals":{"g":{"age_s":10,"last_acted_unix":90},"h":{"age_s":null,"last_acted_unix":null}}},"signal":{}}"#
    )
    let asks = SystemReadings.asks([AskRecord(id: "w-2", worker: "w", prompt: "?", ts: 40)], now: 100)
    #expect(asks.compact == #"{"detail":{"w-2":{"age_s":60,"worker":"w"}},"signal":{"pending":["w-2"]}}"#)
  }
}
