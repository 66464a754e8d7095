package import Tenant

/// What a run is: the two kinds that cost money.
package enum RunKind: String, Sendable, CaseIterable {
  /// One decide of a beat.
  case tick
  /// One worker's session.
  case worker
}

/// What a finished run took; the ledger's memory of a tenant's habits.
package struct PastRun: Sendable, Hashable {
  package let usd: MicroUSD
  package let tokens: Int64

  package init(usd: MicroUSD, tokens: Int64) {
    self.usd = usd
    self.tokens = tokens
  }
}

/// The worst case that a run is assumed to be before it starts. Too low and simultaneous runs overshoot the cap; too high and
/// money that nobody spends blocks others. So: the dearest of the tenant's recent runs of that kind with a margin, and before there
/// are any, a bound from the prompt's size and the dearest known price.
package enum RunEstimate {
  /// Runs looked back at.
  package static let memory = 50
  /// Fewer runs than this are no habit yet: they get the wider margin.
  package static let habit = 5
  /// A tokenizer makes no more tokens of a text than a third of its bytes, apart from text that no prompt of ours is made of.
  static let bytesPerToken: Int64 = 3
  /// A prompt's length is its tenant's word; no runner takes more than this.
  static let longestPrompt: Int64 = 1 << 30
  /// Model calls that a decide makes with tools at hand; each sends the prompt again.
  static let firstTurns: Int64 = 4
  static let firstOutput: Int64 = 8_000
  /// A worker is a session of many turns over a repository.
  static let workerTurns: Int64 = 40
  static let workerContext: Int64 = 30_000
  static let workerOutput: Int64 = 40_000

  /// Never more than a whole day's cap on any axis: a run that cannot be told to be cheaper would otherwise never start at all, and
  /// the cap is what the runner is limited to where it can be (`limits`). `caps` are the days' as they stand, raises included.
  package static func worstCase(
    kind: RunKind, free: Bool = false, promptBytes: Int64, model: String?, prices: PriceTable, on date: CivilDate,
    history: [PastRun], caps: [BudgetCaps]
  ) -> BudgetAmounts {
    let decides: Int64 = kind == .tick ? 1 : 0
    // The embedded decider has no model behind it.
    guard !free else { return BudgetAmounts(decides: decides) }
    let promptBytes = min(max(0, promptBytes), longestPrompt)
    let recent = history.suffix(memory)
    let dearest = recent.map(\.usd.micros).max() ?? 0
    let longest = recent.map(\.tokens).max() ?? 0
    var estimate: BudgetAmounts
    if recent.isEmpty {
      estimate = firstTime(kind: kind, promptBytes: promptBytes, model: model, prices: prices, on: date)
    } else {
      let percent: Int64 = recent.count >= habit ? 125 : 200
      estimate = BudgetAmounts(
        usd: MicroUSD(micros: scaled(dearest, percent)), tokens: scaled(longest, percent))
      // A prompt that has grown since is read at least once.
      let prompt = ChargedTokens(input: promptBytes / bytesPerToken)
      estimate.tokens = max(estimate.tokens, prompt.total)
      estimate.usd = max(estimate.usd, prices.price(prompt, model: model, on: date).usd)
    }
    estimate.decides = decides
    for axis in BudgetAxis.allCases where axis != .decides {
      for case let most? in caps.map({ $0[axis] }) { estimate[axis] = min(estimate[axis], most) }
      // What has a model behind it takes something: else it would fit below a cap of nothing.
      estimate[axis] = max(1, estimate[axis])
    }
    return estimate
  }

  private static func firstTime(
    kind: RunKind, promptBytes: Int64, model: String?, prices: PriceTable, on date: CivilDate
  ) -> BudgetAmounts {
    let prompt = promptBytes / bytesPerToken
    let tokens: ChargedTokens
    switch kind {
    case .tick: tokens = ChargedTokens(input: prompt * firstTurns, cacheRead: 0, cacheWrite: 0, output: firstOutput)
    case .worker:
      // Every turn reads the context back from the cache; what is new in it was written there once.
      tokens = ChargedTokens(
        input: prompt, cacheRead: (workerContext + prompt) * workerTurns, cacheWrite: workerContext * 4,
        output: workerOutput)
    }
    return BudgetAmounts(usd: prices.price(tokens, model: model, on: date).usd, tokens: tokens.total)
  }

  private static func scaled(_ value: Int64, _ percent: Int64) -> Int64 {
    Int64(clamping: (Int128(value) * Int128(percent) + 99) / 100)
  }
}
