import Tenant

/// A bucket of requests that fills at a steady rate: short bursts pass, a flood does not.
package struct TokenBucket: Hashable, Sendable {
  package struct Policy: Hashable, Sendable {
    /// What may come at once.
    package var burst: Double
    package var perSecond: Double

    package init(burst: Double, perSecond: Double) {
      self.burst = burst
      self.perSecond = perSecond
    }

    /// A screen that repaints and a script that loops fit in; a busy loop does not.
    package static let others = Policy(burst: 60, perSecond: 20)
    /// Ops are trusted, but a runaway script of theirs must not starve the beats either.
    package static let ops = Policy(burst: 2000, perSecond: 1000)
  }

  private var level: Double
  private var at: Double

  package init(_ policy: Policy, now: Double) {
    level = policy.burst
    at = now
  }

  /// nil: it may pass; else how many seconds to wait.
  package mutating func take(_ policy: Policy, now: Double) -> Double? {
    level = min(policy.burst, level + max(0, now - at) * policy.perSecond)
    at = max(at, now)
    guard level >= 1 else { return (1 - level) / policy.perSecond }
    level -= 1
    return nil
  }

  package func isFull(_ policy: Policy, now: Double) -> Bool {
    level + max(0, now - at) * policy.perSecond >= policy.burst
  }
}

/// One bucket a Unix user, so that nobody's flood costs another his answer.
package final class RateLimit: Sendable {
  /// Full buckets are forgotten when there are more than this.
  static let maximumBuckets = 1024

  private let buckets = Locked<[UInt32: TokenBucket]>([:])
  private let others: TokenBucket.Policy
  private let ops: TokenBucket.Policy
  private let monotonic: @Sendable () -> Double

  package init(
    others: TokenBucket.Policy = .others, ops: TokenBucket.Policy = .ops, monotonic: @escaping @Sendable () -> Double
  ) {
    self.others = others
    self.ops = ops
    self.monotonic = monotonic
  }

  package func refusal(for caller: Caller) -> FleetRefusal? {
    let policy = caller.roles.contains(.ops) ? ops : others
    let now = monotonic()
    let wait = buckets.withLock { buckets in
      if buckets.count > Self.maximumBuckets { buckets = buckets.filter { !$0.value.isFull(policy, now: now) } }
      return buckets[caller.uid, default: TokenBucket(policy, now: now)].take(policy, now: now)
    }
    guard let wait else { return nil }
    let seconds = Int(wait.rounded(.up))
    return FleetRefusal(
      .tooManyRequests, "too many requests from \(caller.user)",
      hint: "try again in \(seconds) s; `looop-fleet wait` blocks until something changes, without polling")
  }
}
