/// What becomes of the record of an order of somebody who is not trusted with the fleet, one that was refused or a verb on his own tenant: in
/// the ledger it would stay for ever, beside the money, and an agent can order as often as the socket lets it. Pure.
struct RecordedOrders: Sendable {
  enum Place: Hashable, Sendable {
    /// `unsaid`: so many more of his were not told since the last one.
    case ledger(unsaid: Int), log(unsaid: Int), nowhere
  }

  /// A person who mistypes is within it.
  static let refused = TokenBucket.Policy(burst: 10, perSecond: 1.0 / 60)
  /// Somebody at work on his tenant is within it; what is more is counted.
  static let done = TokenBucket.Policy(burst: 100, perSecond: 1.0 / 30)
  private static let mostUsers = 1024

  let policy: TokenBucket.Policy
  private var users: [UInt32: (bucket: TokenBucket, unsaid: Int)] = [:]

  init(_ policy: TokenBucket.Policy) { self.policy = policy }

  mutating func place(_ caller: Caller, at now: Double) -> Place {
    if users.count > Self.mostUsers { users = users.filter { !$0.value.bucket.isFull(policy, now: now) } }
    var known = users[caller.uid] ?? (TokenBucket(policy, now: now), 0)
    defer { users[caller.uid] = known }
    guard known.bucket.take(policy, now: now) == nil else {
      known.unsaid += 1
      return .nowhere
    }
    let unsaid = known.unsaid
    known.unsaid = 0
    // Somebody with no part in the fleet has none in its books.
    return caller.roles.isEmpty ? .log(unsaid: unsaid) : .ledger(unsaid: unsaid)
  }
}
