/// Tokens in four disjoint buckets; reasoning is inside `output`.
package struct TokenCount: Hashable, Sendable {
  package var input: Int64 = 0
  package var cacheRead: Int64 = 0
  package var cacheWrite: Int64 = 0
  package var output: Int64 = 0

  package init(input: Int64 = 0, cacheRead: Int64 = 0, cacheWrite: Int64 = 0, output: Int64 = 0) {
    self.input = input
    self.cacheRead = cacheRead
    self.cacheWrite = cacheWrite
    self.output = output
  }

  package var total: Int64 {
    input.saturatingSum(cacheRead).saturatingSum(cacheWrite).saturatingSum(output)
  }

  package static func + (a: TokenCount, b: TokenCount) -> TokenCount {
    TokenCount(
      input: a.input.saturatingSum(b.input), cacheRead: a.cacheRead.saturatingSum(b.cacheRead),
      cacheWrite: a.cacheWrite.saturatingSum(b.cacheWrite), output: a.output.saturatingSum(b.output))
  }

  package var json: JSON {
    [
      "input": .int(input), "cache_read": .int(cacheRead), "cache_write": .int(cacheWrite), "output": .int(output),
    ]
  }

  package init?(json: JSON) {
    guard json.object != nil else { return nil }
    self.init(
      input: max(0, json["input"]?.int ?? 0), cacheRead: max(0, json["cache_read"]?.int ?? 0),
      cacheWrite: max(0, json["cache_write"]?.int ?? 0), output: max(0, json["output"]?.int ?? 0))
  }
}

/// What one run of a runner used, as its own events say. Absent is not zero: `tokens` and `microUSD` are `nil` where unknown.
package struct RunUsage: Hashable, Sendable {
  /// `claude`, `codex`, `opencode`, `pi`, `rules`, or the command's first word.
  package var runner: String
  package var model: String?
  package var session: String?
  package var tokens: TokenCount?
  /// Integer micro-dollars that the runner itself reported.
  package var microUSD: Int64?
  /// The runner's terminal event was seen: the figures are final, not a lower bound.
  package var complete: Bool
  /// The provider refused until then (Unix seconds).
  package var rateLimitedUntil: Int64?
  /// Its model did something, though no figure says what it took.
  package var worked: Bool

  package init(
    runner: String, model: String? = nil, session: String? = nil, tokens: TokenCount? = nil, microUSD: Int64? = nil,
    complete: Bool = false, rateLimitedUntil: Int64? = nil, worked: Bool = false
  ) {
    self.runner = runner
    self.model = model
    self.session = session
    self.tokens = tokens
    self.microUSD = microUSD
    self.complete = complete
    self.rateLimitedUntil = rateLimitedUntil
    self.worked = worked
  }

  /// Turned away by its provider before anything was done: no money, and no decide.
  package var wasTurnedAway: Bool {
    rateLimitedUntil != nil && !worked && (tokens?.total ?? 0) == 0 && (microUSD ?? 0) == 0
  }

  package var json: JSON {
    [
      "runner": .string(runner), "model": .optional(model), "session": .optional(session),
      "tokens": tokens?.json ?? .null, "micro_usd": .optional(microUSD), "complete": .bool(complete),
      "rate_limited_until": .optional(rateLimitedUntil), "worked": .bool(worked),
    ]
  }

  package init?(json: JSON) {
    guard let runner = json["runner"]?.string else { return nil }
    self.init(
      runner: runner, model: json["model"]?.string, session: json["session"]?.string,
      tokens: json["tokens"].flatMap(TokenCount.init(json:)),
      microUSD: json["micro_usd"]?.int.flatMap { $0 >= 0 ? $0 : nil }, complete: json["complete"]?.bool ?? false,
      rateLimitedUntil: json["rate_limited_until"]?.int, worked: json["worked"]?.bool ?? false)
  }
}
