/// The tokens of one charge in the four buckets that are priced apart. Disjoint: `input` is what was neither read from a cache nor
/// written to one, and reasoning is inside `output`.
package struct ChargedTokens: Sendable, Hashable {
  package var input: Int64
  package var cacheRead: Int64
  package var cacheWrite: Int64
  /// How many of `cacheWrite` were written to live for an hour, which some providers price higher.
  package var cacheWriteLong: Int64
  package var output: Int64

  package static let zero = ChargedTokens()

  package init(
    input: Int64 = 0, cacheRead: Int64 = 0, cacheWrite: Int64 = 0, cacheWriteLong: Int64 = 0, output: Int64 = 0
  ) {
    self.input = input
    self.cacheRead = cacheRead
    self.cacheWrite = cacheWrite
    self.cacheWriteLong = min(cacheWriteLong, cacheWrite)
    self.output = output
  }

  /// A run's sum; how long its cache was to live is not told.
  package init(_ tokens: TokenCount) {
    self.init(
      input: tokens.input, cacheRead: tokens.cacheRead, cacheWrite: tokens.cacheWrite, output: tokens.output)
  }

  /// One call of a model.
  package init(_ event: TranscriptEvent) {
    self.init(event.tokens)
    cacheWriteLong = min(event.longCacheWrite, cacheWrite)
  }

  /// What the tokens axis of a budget counts: all of them.
  package var total: Int64 { prompt.saturatingSum(output) }
  /// What was sent: decides the tier where a model has one.
  package var prompt: Int64 { input.saturatingSum(cacheRead).saturatingSum(cacheWrite) }

  package static func + (left: ChargedTokens, right: ChargedTokens) -> ChargedTokens {
    ChargedTokens(
      input: left.input.saturatingSum(right.input), cacheRead: left.cacheRead.saturatingSum(right.cacheRead),
      cacheWrite: left.cacheWrite.saturatingSum(right.cacheWrite),
      cacheWriteLong: left.cacheWriteLong.saturatingSum(right.cacheWriteLong),
      output: left.output.saturatingSum(right.output))
  }
}
