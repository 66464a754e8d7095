import SystemPackage
import TestSupport
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

  @Test func `10,000 files read stably, whatever stands in them`() {
    var random = SeededGenerator(seed: 11)
    let numbers = [
      "0", "-1", "59", "60", "1e3", "1.5", "9223372036854775807", "-9223372036854775808", "1e400", "\"60\"", "null",
    ]
    let keys = ["at", "every_s", "anchor", "note", "v", "later"]
    let times: [Int64] = [0, 1, 1_800_000_000, .max / 2]
    for _ in 0..<10_000 {
      let members = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        "\"\(keys.randomElement(using: &random)!)\":\(numbers.randomElement(using: &random)!)"
      }
      var bytes = Array("{\(members.joined(separator: ","))}".utf8)
      if Int.random(in: 0..<4, using: &random) == 0 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let file: StateFile
      do throws(JSONError) {
        file = .value(try JSON(parsing: bytes))
      } catch {
        file = .corrupt(error.description)
      }
      let schedule = Schedule(file)
      for now in times {
        let detail = schedule.detail(now: now)
        #expect(schedule.signal(now: now) == Schedule(file).signal(now: now) && detail["kind"] != nil)
        if let next = detail["next_due_in_s"]?.int { #expect(next >= 0 && next <= detail["every_s"]?.int ?? 0) }
        if let due = detail["due_in_s"]?.int { #expect(due >= 0) }
      }
      if let json = schedule.json { #expect(Schedule(json: json) == schedule) }
    }
  }
}
