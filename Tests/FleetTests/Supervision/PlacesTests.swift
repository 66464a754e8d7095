import TestSupport
import Testing

@testable import Fleet

@Suite struct PlacesTests {
  @Test func `few of a tenant may wait, and who is called off waits no longer`() async {
    let places = Places(2, mostEach: 1)
    #expect(await places.take("a", waitingAtMost: 1))
    let waiting = Task { await places.take("a", waitingAtMost: 1) }
    while await places.waitingCount == 0 { await Task.yield() }
    #expect(await !places.take("a", waitingAtMost: 1), "one waits already")
    #expect(await places.take("b", waitingAtMost: 0), "another's place is free")
    await places.give("b")
    waiting.cancel()
    #expect(await !waiting.value)
    #expect(await places.waitingCount == 0)
    // Its turn comes all the same for who still wants it.
    let next = Task { await places.take("a", waitingAtMost: 1) }
    while await places.waitingCount == 0 { await Task.yield() }
    await places.give("a")
    #expect(await next.value)
    // One who was called off before he asked is let go as well.
    let late = Task {
      while !Task.isCancelled { await Task.yield() }
      return await places.take("a", waitingAtMost: 1)
    }
    late.cancel()
    #expect(await !late.value)
  }
}
