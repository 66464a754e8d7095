/// What a run may have cost at most, where its runner does not say: never 0.
package enum UpperBound {
  /// A decider reads its prompt once, perhaps looks something up, and answers with one object.
  private static let requests: Int64 = 2
  private static let outputTokens: Int64 = 4096
  private static let bytesPerToken: Int64 = 3
  /// What a minute of a worker may hold: two turns of an agent at work on a repository, each of which reads 30,000 tokens of context
  /// back from the cache, adds 3,000 to it and writes 1,000. So long a turn takes with the tool that it runs; an agent that only
  /// writes is faster, one that waits for an answer slower. `unmetered_usd` is for who knows better.
  private static let minute = ChargedTokens(cacheRead: 60_000, cacheWrite: 6000, output: 2000)
  private static let longestMinutes: Int64 = 7 * 24 * 60

  /// One decide of which nothing is known but its prompt, at the dearest prices of the list.
  package static func microUSD(promptBytes: Int, prices: PriceTable = .shipped) -> Int64 {
    let tokens = Int64(clamping: promptBytes) / bytesPerToken + 1
    let used = ChargedTokens(input: min(tokens, 10_000_000) * requests, output: outputTokens)
    return prices.dearest.price(used, isOneRequest: false).micros
  }

  /// A worker of which nothing is known but its brief and how long it ran, in begun minutes.
  package static func microUSD(promptBytes: Int, runningFor seconds: Int64, prices: PriceTable = .shipped) -> Int64 {
    let minutes = min(max(0, seconds) / 60 + 1, longestMinutes)
    return microUSD(promptBytes: promptBytes, prices: prices)
      + prices.dearest.price(minute, isOneRequest: false).micros * minutes
  }
}
