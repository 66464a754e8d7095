/// What a run may have cost at most, where its runner does not say: never 0.
package enum UpperBound {
  /// The dearest list prices that a coding agent uses today (2026-11), micro-dollars per token. Fixed on purpose: a bound needs
  /// no table, it must only not be too low.
  package static let inputPrice: Int64 = 15
  package static let cacheReadPrice: Int64 = 2
  package static let cacheWritePrice: Int64 = 30
  package static let outputPrice: Int64 = 75

  /// A decider reads its prompt once, perhaps looks something up, and answers with one object.
  private static let requests: Int64 = 2
  private static let outputTokens: Int64 = 4096
  private static let bytesPerToken: Int64 = 3

  /// Tokens at the dearest price.
  package static func microUSD(_ tokens: TokenCount) -> Int64 {
    tokens.input * inputPrice + tokens.cacheRead * cacheReadPrice + tokens.cacheWrite * cacheWritePrice
      + tokens.output * outputPrice
  }

  /// One decide of which nothing is known but its prompt.
  package static func microUSD(promptBytes: Int) -> Int64 {
    let tokens = Int64(clamping: promptBytes) / bytesPerToken + 1
    return min(tokens, 10_000_000) * requests * inputPrice + outputTokens * outputPrice
  }

  /// What a settled run is charged. A run that was cut off is charged at least its reservation.
  package static func charge(_ usage: RunUsage?, reserved: Int64) -> (microUSD: Int64, source: CostRow.Source) {
    guard let usage else { return (reserved, .bound) }
    if usage.complete {
      if let reported = usage.microUSD { return (reported, .reported) }
      if let tokens = usage.tokens { return (microUSD(tokens), .priced) }
      return (reserved, .bound)
    }
    let known = max(usage.microUSD ?? 0, usage.tokens.map(microUSD) ?? 0)
    return (max(known, reserved), .bound)
  }
}
