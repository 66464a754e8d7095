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
    // Turned away by the provider: no money and no decide.
    if usage.rateLimitedUntil != nil, saysNothing { return .charge([], countsDecide: false) }
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

extension ParkedAccount {
  /// Longest wait behind the provider's own reset: accounts that were parked together do not all come back in one second.
  private static let widestJitter: Int64 = 300

  /// Parks an account until the provider lets it in again, and a little longer: by the tenant's name, so that every reading of
  /// the same event gives the same time. Nil for a reset that has passed.
  package init?(tenant: TenantID, runner: String, resetsAt: Int64, now: Int64, zone: ZoneRules) {
    guard resetsAt > now else { return nil }
    // A broken clock or event must not park an account for years.
    let reset = min(resetsAt, now.saturatingSum(8 * 86_400))
    let spread = tenant.name.utf8.reduce(UInt64(5381)) { $0 &* 33 ^ UInt64($1) }
    let jitter = Int64(spread % UInt64(Self.widestJitter)) + 1
    self.init(
      tenant: tenant, runner: runner, until: reset + jitter,
      reason:
        "\(runner)'s provider turned it away; its limit ends \(Self.when(reset, now: now, zone)), and it is asked again shortly after"
    )
  }

  private static func when(_ reset: Int64, now: Int64, _ zone: ZoneRules) -> String {
    let day = zone.date(at: reset) == zone.date(at: now) ? "" : "on \(zone.date(at: reset)) "
    return "\(day)at \(zone.clockTime(at: reset)) (\(zone.name))"
  }
}
