import Testing

@testable import Fleet

@Suite struct UnrecordedWorkersTests {
  @Test func `who lives without a record is named once, and is over when the grace is`() {
    var workers = UnrecordedWorkers()
    #expect(workers.look(living: ["a", "b", "c"], known: ["a"], at: 100) == ["b", "c"])
    #expect(workers.ids == ["b", "c"] && workers.reason?.hasPrefix("2 workers live") == true)
    #expect(workers.look(living: ["a", "b", "c"], known: ["a"], at: 110).isEmpty)
    #expect(workers.overdue(at: 100 + UnrecordedWorkers.grace - 1).isEmpty)
    // A record that came back, and one who ended by himself.
    #expect(workers.look(living: ["a", "b"], known: ["a"], at: 120).isEmpty)
    #expect(workers.overdue(at: 100 + UnrecordedWorkers.grace) == ["b"])
    #expect(workers.reason?.hasPrefix("worker b lives") == true)
    #expect(workers.look(living: ["a", "b"], known: ["a", "b"], at: 200).isEmpty)
    #expect(workers.isEmpty && workers.reason == nil && workers.overdue(at: 1000).isEmpty)
    // Lost again, its time begins anew.
    #expect(workers.look(living: ["b"], known: [], at: 300) == ["b"])
    #expect(workers.overdue(at: 301).isEmpty)
  }
}
