import Fleet
import Testing

@Suite struct ChangeFeedTests {
  @Test func `a token sees exactly what came after it`() async {
    let feed = ChangeFeed(startingAt: 100)
    let start = await feed.changes(after: nil)
    #expect(start == FleetChanges(token: 100, changes: []))
    feed.changed([.asks], tenant: "web")
    feed.changed([.workers, .answers], tenant: "api")
    let all = await feed.changes(after: 100)
    #expect(all?.token == 102)
    #expect(
      all?.changes == [
        FleetChange(.asks, tenant: "web"), FleetChange(.workers, tenant: "api"), FleetChange(.answers, tenant: "api"),
      ])
    let late = await feed.changes(after: 101)
    #expect(late?.categories == [.workers, .answers])
  }

  @Test func `who waits is woken by the next change`() async {
    let feed = ChangeFeed(startingAt: 100)
    async let news = feed.changes(after: 100)
    feed.changed([.tenants])
    #expect(await news?.categories == [.tenants])
  }

  @Test(arguments: [UInt64(5), UInt64(100_000)])
  func `a token of another time begins anew`(token: UInt64) async {
    let feed = ChangeFeed(startingAt: 100)
    #expect(await feed.changes(after: token)?.categories == Set(ChangeCategory.allCases))
  }

  @Test func `what is forgotten counts as everything`() async {
    let feed = ChangeFeed(startingAt: 100)
    for _ in 0...(ChangeFeed.remembered * 2) { feed.changed([.asks], tenant: "web") }
    let news = await feed.changes(after: 100)
    #expect(news?.changes.contains(FleetChange(.workers)) == true)
    let latest = news?.token ?? 0
    #expect(await feed.changes(after: latest - 1)?.changes == [FleetChange(.asks, tenant: "web")])
  }

  @Test func `stopping sends every waiter home`() async {
    let feed = ChangeFeed(startingAt: 100)
    async let one = feed.changes(after: 100)
    async let two = feed.changes(after: 100)
    feed.stop()
    #expect(await one == nil)
    #expect(await two == nil)
  }

  @Test func `a cancelled waiter goes home, the others stay`() async {
    let feed = ChangeFeed(startingAt: 100)
    let gone = Task { await feed.changes(after: 100) }
    async let stays = feed.changes(after: 100)
    gone.cancel()
    #expect(await gone.value == nil)
    feed.changed([.asks])
    #expect(await stays?.categories == [.asks])
  }
}
