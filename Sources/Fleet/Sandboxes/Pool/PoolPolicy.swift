/// How many recycled worktrees of a repository are worth keeping: a pure decision over when sandboxes were asked for.
struct PoolPolicy: Hashable, Sendable {
  /// The most that are kept, whatever the use.
  var maximum = 4
  /// Requests this close together are taken to need a worktree each.
  var burst: Int64 = 600
  /// Older use does not count.
  var memory: Int64 = 86_400

  /// The largest number of requests within one burst, not above the maximum; 0 for a repository that nobody used lately.
  func wanted(requests: [Int64], now: Int64) -> Int {
    let recent = requests.filter { $0 > now - memory && $0 <= now }.sorted()
    var (start, most) = (0, 0)
    for (end, time) in recent.enumerated() {
      while recent[start] <= time - burst { start += 1 }
      most = max(most, end - start + 1)
    }
    return min(most, maximum)
  }
}
