import Fleet
import Testing

@Suite struct DeliveryScheduleTests {
  let schedule = DeliverySchedule(reminders: [3600, 600, -5])

  func ask(_ id: String = "a", at: Int64 = 0) -> MailboxAsk {
    MailboxAsk(
      tenant: "web", askID: id, worker: nil, goal: nil, prompt: "p", at: at, ageSeconds: 0, reference: nil, options: [],
      irreversible: false, workerAlive: nil)
  }

  @Test func `an ask is told once, then at each age of a reminder`() {
    var states: [String: DeliveryState] = [:]
    var told: [(Int64, Int)] = []
    for now in stride(from: Int64(0), through: 8000, by: 10) {
      for notice in schedule.due([ask()], states, now: now) {
        told.append((now, notice.number))
        schedule.attempted(notice, failure: nil, in: &states, now: now)
      }
    }
    #expect(told.map(\.0) == [0, 600, 3600])
    #expect(told.map(\.1) == [0, 1, 2])
    #expect(schedule.undelivered([ask()], states, now: 8000) == 0)
    #expect(schedule.nextDue([ask()], states, now: 8000) == nil)
  }

  @Test func `a failed attempt is made again, ever more slowly, and counted as not delivered`() {
    var states: [String: DeliveryState] = [:]
    let patient = DeliverySchedule()
    var attempts: [Int64] = []
    for now in Int64(0)...1000 {
      for notice in patient.due([ask()], states, now: now) {
        attempts.append(now)
        patient.attempted(notice, failure: "no route", in: &states, now: now)
      }
    }
    #expect(attempts == [0, 5, 15, 35, 75, 155, 315, 635])
    #expect(patient.undelivered([ask()], states, now: 1000) == 1)
    #expect(states["web/a"]?.lastError == "no route")
    #expect(patient.nextDue([ask()], states, now: 1000) == Int64(1275))
    let notice = Notice(ask: ask(), number: 0)
    patient.attempted(notice, failure: nil, in: &states, now: 2000)
    #expect(patient.undelivered([ask()], states, now: 2000) == 0)
  }

  @Test func `slept-through reminders are not made up for`() {
    var states: [String: DeliveryState] = [:]
    let late = schedule.due([ask()], states, now: 5000)
    #expect(late.map(\.number) == [2])
    schedule.attempted(late[0], failure: nil, in: &states, now: 5000)
    #expect(schedule.due([ask()], states, now: 9999).isEmpty)
  }

  @Test func `another ask under the same id starts anew, and what is gone is forgotten`() {
    var states: [String: DeliveryState] = [:]
    schedule.attempted(Notice(ask: ask(), number: 0), failure: nil, in: &states, now: 1)
    #expect(schedule.due([ask(at: 100)], states, now: 100).count == 1)
    #expect(schedule.pruned(states, asks: [ask(at: 100)]).isEmpty)
    #expect(schedule.pruned(states, asks: [ask()]) == states)
    #expect(schedule.pruned(states, asks: []).isEmpty)
  }

  @Test func `a flood is told in portions, oldest first`() {
    let asks = (0..<100).map { ask("a\($0)", at: Int64($0)) }
    let due = DeliverySchedule().due(asks, [:], now: 200)
    #expect(due.count == DeliverySchedule.mostAtOnce)
    #expect(due.first?.ask.askID == "a0")
  }

  @Test func `states survive their file`() {
    let state = DeliveryState(askAt: 7, acknowledged: 2, failures: 1, lastAttempt: 9, lastError: "x")
    #expect(DeliveryState(json: state.json) == state)
  }
}
