import Testing

@testable import Fleet

@Suite struct HomeSweepTests {
  @Test func `a home is looked through now and then, with some overlap, and never into the time before the fleet`()
    throws
  {
    let sweep = HomeSweep(begun: 1000, last: 10_000)
    #expect(HomeSweep(sweep.text) == sweep)
    #expect(HomeSweep("1000") == nil && HomeSweep("a b") == nil)
    #expect(!sweep.isDue(at: 10_599) && sweep.isDue(at: 10_600))
    #expect(sweep.isDue(at: 9000), "a clock that went back keeps nobody from looking")
    #expect(sweep.since == 6400)
    #expect(HomeSweep(begun: 9000, last: 10_000).since == 9000)
  }
}
