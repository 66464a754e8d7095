/// What a run may have cost at most, where its runner does not say: never 0.
package enum UpperBound {
  /// A decider reads its prompt once, perhaps looks something up, and answers with one object.
  private static let requests: Int64 = 2
  private static let outputTokens: Int64 = 4096
  private static let bytesPerToken: Int64 = 3

  /// One decide of which nothing is known but its prompt, at the dearest prices of the list.
  package static func microUSD(promptBytes: Int, prices: PriceTable = .shipped) -> Int64 {
    let tokens = Int64(clamping: promptBytes) / bytesPerToken + 1
    let used = ChargedTokens(input: min(tokens, 10_000_000) * requests, output: outputTokens)
    return prices.dearest.price(used, isOneRequest: false).micros
  }
}
