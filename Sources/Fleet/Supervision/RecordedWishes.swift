/// What becomes of the record of a wish that was refused: in the ledger it would stay for ever, beside the money, and anybody can
/// wish as often as the socket lets him. Pure.
struct RefusedWishes: Sendable {
  enum Place: Hashable, Sendable {
    /// `unsaid`: so many more of his were not told since the last one.
    case ledger(unsaid: Int), log(unsaid: Int), nowhere
  }

  /// A person who mistypes is within it.
  static let policy = TokenBucket.Policy(burst: 10, perSecond: 1.0 / 60)
  private static let mostUsers = 1024

  private var users: [UInt32: (bucket: TokenBucket, unsaid: Int)] = [:]

  mutating func place(_ caller: Caller, at now: Double) -> Place {
    if users.count > Self.mostUsers { users = users.filter { !$0.value.bucket.isFull(Self.policy, now: now) } }
    var known = users[caller.uid] ?? (TokenBucket(Self.policy, now: now), 0)
    defer { users[caller.uid] = known }
    guard known.bucket.take(Self.policy, now: now) == nil else {
      known.unsaid += 1
      return .nowhere
    }
    let unsaid = known.unsaid
    known.unsaid = 0
    // Somebody with no part in the fleet has none in its books.
    return caller.roles.isEmpty ? .log(unsaid: unsaid) : .ledger(unsaid: unsaid)
  }
}
