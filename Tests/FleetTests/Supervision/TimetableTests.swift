import Testing

@testable import Fleet

@Suite struct TimetableTests {
  @Test func `takes what is due, earliest first, and only once`() {
    var timetable = Timetable()
    for (name, due) in [("c", 3.0), ("a", 1.0), ("b", 2.0), ("late", 9.0)] { timetable.schedule(name, at: due) }
    #expect(timetable.take(dueBy: 3) == ["a", "b", "c"])
    #expect(timetable.take(dueBy: 3) == [])
    #expect(timetable.earliest() == 9)
  }

  @Test func `a new time replaces the old one, sooner or later`() {
    var timetable = Timetable()
    timetable.schedule("a", at: 5)
    timetable.schedule("a", at: 1)
    #expect(timetable.take(dueBy: 2) == ["a"])
    timetable.schedule("a", at: 1)
    timetable.schedule("a", at: 8)
    #expect(timetable.take(dueBy: 2) == [])
    #expect(timetable.due(of: "a") == 8)
    timetable.cancel("a")
    #expect(timetable.isEmpty && timetable.earliest() == nil)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `a random course of scheduling keeps the order and loses nobody`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var timetable = Timetable()
    var model: [String: Double] = [:]
    var now = 0.0
    for _ in 0..<2000 {
      let name = "t\(Int.random(in: 0..<40, using: &random))"
      switch Int.random(in: 0..<10, using: &random) {
      case 0:
        timetable.cancel(name)
        model[name] = nil
      case 1, 2:
        now += Double.random(in: 0..<3, using: &random)
        let due = model.filter { $0.value <= now }
        let taken = timetable.take(dueBy: now)
        #expect(Set(taken) == Set(due.keys))
        #expect(taken.map { due[$0]! } == due.values.sorted())
        for name in taken { model[name] = nil }
      default:
        let due = now + Double.random(in: 0..<20, using: &random)
        timetable.schedule(name, at: due)
        model[name] = due
      }
      #expect(timetable.earliest() == model.values.min())
    }
  }

  @Test func `a thousand tenants are spread over their interval`() {
    let offsets = (0..<1000).map { Timetable.offset(of: "tenant-\($0)", interval: 60) }
    #expect(offsets.allSatisfy { $0 >= 0 && $0 < 60 })
    let perSecond = Dictionary(grouping: offsets, by: { Int($0) }).mapValues(\.count)
    #expect(perSecond.count == 60)
    #expect(perSecond.values.max()! < 40)
  }
}

/// Random choices that are the same in every run.
private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
