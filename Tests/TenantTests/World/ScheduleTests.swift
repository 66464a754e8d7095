import SystemPackage
import Testing

@testable import Tenant

@Suite struct ScheduleTests {
  @Test(arguments: [
    (#"{"v":1,"at":100}"#, 99, #""pending""#), (#"{"at":100,"note":"x"}"#, 100, #""due""#),
    (#"{"every_s":60,"anchor":100}"#, 99, #"{"period":-1}"#), (#"{"every_s":60,"anchor":100}"#, 100, #"{"period":0}"#),
    (#"{"every_s":60,"anchor":100}"#, 160, #"{"period":1}"#), (#"{"every_s":60}"#, 125, #"{"period":2}"#),
    (#"{"every_s":5,"anchor":1}"#, 9, #""invalid""#), (#"{"every_s":60,"at":1}"#, 9, #""invalid""#),
    (#"{"v":1}"#, 9, #""invalid""#), (#"{"at":"soon"}"#, 9, #""invalid""#), (#"{"every_s":-1}"#, 9, #""invalid""#),
    (#"{"every_s":60.5}"#, 9, #""invalid""#), (#"[1]"#, 9, #""unparseable""#),
    (#"{"every_s":60,"anchor":-9223372036854775808}"#, 9, nil), (#"{"at":9223372036854775807}"#, 0, #""pending""#),
    (#"{"every_s":9223372036854775807,"anchor":9223372036854775807}"#, 0, nil),
  ])
  func `a schedule reads stably`(_ text: String, _ now: Int64, _ signal: String?) throws {
    let schedule = Schedule(json: try JSON(parsing: text))
    if let signal { #expect(schedule.signal(now: now).compact == signal) }
    #expect(schedule.detail(now: now)["kind"] != nil)
    #expect(schedule.signal(now: now) == schedule.signal(now: now))
  }

  @Test func `files that are no schedule are unparseable`() {
    #expect(Schedule(.corrupt("x")).signal(now: 1) == "unparseable")
    #expect(Schedule(.unreadable(HostError("read", "x", errno: 13))).signal(now: 1) == "unparseable")
  }

  @Test func `the next due time is 0 exactly at the boundary`() {
    let schedule = Schedule.every(seconds: 60, anchor: 100, note: nil)
    #expect(schedule.detail(now: 160)["next_due_in_s"] == 0)
    #expect(schedule.detail(now: 161)["next_due_in_s"] == 59)
    #expect(schedule.detail(now: 90)["next_due_in_s"] == 10)
  }
}
