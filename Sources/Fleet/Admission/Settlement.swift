package import Tenant

/// What becomes of a run's hold, decided from what its runner reported. Pure; the ledger carries it out.
package enum Settlement: Sendable, Hashable {
  /// `settle` with these charges.
  case charge([Charge], countsDecide: Bool)
  /// Nothing better can be known than the hold: `bind`.
  case bind

  /// - `usage` nil: the run left no events.
  /// - `hold`: what the reservation held, the upper bound of what is not known.
  ///
  /// The figures are the run's own part: what a resumed session had counted before was taken off where its stream was read.
  ///
  /// Never zero for want of knowledge: a runner that was killed is charged its hold or what it was seen to use, whichever is more;
  /// an explicit price of zero beside tokens is no price (opencode says that for models it cannot price).
  package static func of(
    _ usage: RunUsage?, run: RunRequest, hold: BudgetAmounts, prices: PriceTable, on date: CivilDate, at: Int64? = nil
  ) -> Settlement {
    guard let usage else { return run.isFree ? .charge([], countsDecide: true) : .bind }
    let tokens = usage.tokens.map(ChargedTokens.init) ?? .zero
    let usd = usage.microUSD.map { MicroUSD(micros: $0) }
    let saysNothing = tokens.total == 0 && (usd ?? .zero) == .zero
    // Free is what used nothing, not what calls itself so: the runner's name is the tenant's word.
    if run.isFree, saysNothing { return .charge([], countsDecide: true) }
    if usage.wasTurnedAway { return .charge([], countsDecide: false) }
    let model = usage.model ?? run.model
    let quote = prices.price(tokens, model: model, on: date)
    func charge(_ source: ChargeSource, _ usd: MicroUSD, tokens: ChargedTokens, unpriced: Bool) -> Charge {
      Charge(
        eventID: "\(run.kind.rawValue)/\(run.runID)", source: source, unpriced: unpriced, usd: usd, tokens: tokens,
        model: model, session: usage.session, at: at)
    }
    guard usage.complete else {
      guard !saysNothing else { return .bind }
      var bound = tokens
      bound.input = bound.input.saturatingSum(max(0, hold.tokens - tokens.total))
      // What was streamed lags behind what was served: as much again, and a long answer that never arrived.
      var served = tokens + tokens
      served.output = served.output.saturatingSum(Transcript.longAnswer)
      let most = max(hold.usd, usd ?? .zero, prices.price(served, model: model, on: date).usd)
      return .charge([charge(.bound, most, tokens: bound, unpriced: false)], countsDecide: true)
    }
    if let usd, usd > .zero || tokens.total == 0 {
      // No money and no tokens, but the run came to its end: it did no work with a model that anybody counted. For a runner that
      // reports money this is an answer; for the others it is silence.
      if saysNothing, !usage.reportsMoney { return .bind }
      return .charge([charge(.reported, usd, tokens: tokens, unpriced: false)], countsDecide: true)
    }
    guard tokens.total > 0 else { return .bind }
    return .charge([charge(.priced, quote.usd, tokens: tokens, unpriced: quote.unpriced)], countsDecide: true)
  }
}

extension RunUsage {
  fileprivate var reportsMoney: Bool { runner == "claude" || runner == "pi" }
}
