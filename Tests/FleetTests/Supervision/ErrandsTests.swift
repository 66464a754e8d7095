import Tenant
import Testing

@testable import Fleet

@Suite(.timeLimit(.minutes(1))) struct ErrandsTests {
  @Test func `an end waits for what is short and lets go of the rest`() async {
    var errands = Errands()
    let written = Locked(false)
    let (gate, opened) = AsyncStream.makeStream(of: Void.self)
    let short = Task {
      for await _ in gate { break }
      written.withLock { $0 = true }
    }
    // Ends by cancellation only.
    let long = Task { while !Task.isCancelled { await Task.yield() } }
    for (task, length) in [(short, Errands.Length.short), (long, .long)] {
      errands.add(errands.newNumber(), length, task)
    }
    #expect(errands.count == 2)
    let waits = errands.end()
    #expect(waits.count == 1)
    await long.value
    opened.yield()
    for wait in waits { await wait() }
    #expect(written.withLock { $0 })
    errands.remove(1)
    errands.remove(2)
    #expect(errands.count == 0)
  }
}
