import Fleet
import Tenant
import TestSupport
import Testing

@Suite struct LimitTests {
  @Test func `a burst passes, a flood waits, and time heals`() {
    let policy = TokenBucket.Policy(burst: 3, perSecond: 2)
    var bucket = TokenBucket(policy, now: 10)
    for _ in 0..<3 { #expect(bucket.take(policy, now: 10) == nil) }
    #expect(bucket.take(policy, now: 10) == 0.5)
    #expect(bucket.take(policy, now: 10.5) == nil)
    #expect(bucket.take(policy, now: 10.5) != nil)
    // A clock that goes back gives nothing.
    #expect(bucket.take(policy, now: 1) != nil)
  }

  @Test func `one user's flood does not cost another his place`() {
    let clock = FixedClock()
    let limit = RateLimit(
      others: .init(burst: 2, perSecond: 1), ops: .init(burst: 100, perSecond: 100), monotonic: clock.clock.monotonic)
    #expect(limit.refusal(for: .tenant("web")) == nil)
    #expect(limit.refusal(for: .tenant("web")) == nil)
    #expect(limit.refusal(for: .tenant("web"))?.class == .tooManyRequests)
    #expect(limit.refusal(for: .concierge()) == nil)
    for _ in 0..<50 { #expect(limit.refusal(for: .ops()) == nil) }
    clock.advance(by: 1)
    #expect(limit.refusal(for: .tenant("web")) == nil)
  }

  @Test func `connections are counted by user, and the owner always gets in`() {
    let limit = ConnectionLimit(owner: 500, perUser: 2, total: 3)
    #expect(limit.opened(by: 1000) && limit.opened(by: 1000))
    #expect(!limit.opened(by: 1000))
    #expect(limit.opened(by: 1001))
    #expect(!limit.opened(by: 1002), "the total is reached")
    #expect(limit.opened(by: 0) && limit.opened(by: 500))
    limit.closed(by: 1000)
    #expect(limit.opened(by: 1002))
  }

  @Test(arguments: [
    ("web", "web"), ("a/b", "a%2Fb"), ("ä ?&=%", "%C3%A4%20%3F%26%3D%25"), ("", ""), ("…", "%E2%80%A6"),
  ])
  func `a path part survives its way`(text: String, encoded: String) {
    #expect(PercentEncoding.encode(text) == encoded)
    #expect(PercentEncoding.decode(encoded) == text)
  }

  @Test(arguments: ["%", "%4", "%zz", "%ff"])
  func `what is no encoding is refused`(text: String) { #expect(PercentEncoding.decode(text) == nil) }
}
