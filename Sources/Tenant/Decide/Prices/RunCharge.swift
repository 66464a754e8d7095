/// An amount, and how sure it is. Pure.
package struct RunCharge: Hashable, Sendable {
  package var microUSD: Int64
  package var source: CostRow.Source

  package init(_ microUSD: Int64, _ source: CostRow.Source) {
    self.microUSD = microUSD
    self.source = source
  }

  /// What a settled run is charged: its runner's own money, else its tokens by the list, else what was reserved for it.
  ///
  /// - `model`: the one that the run was started with, where its events name none.
  ///
  /// A run that was cut off is charged at least its reservation. Money of 0 beside tokens is no price: a runner says that for models
  /// it cannot price.
  package static func of(
    _ usage: RunUsage?, model: String? = nil, reserved: Int64, prices: PriceTable = .shipped, on date: CivilDate
  ) -> RunCharge {
    guard let usage else { return RunCharge(reserved, .bound) }
    let tokens = usage.tokens.map { ChargedTokens($0) } ?? .zero
    let reported = usage.microUSD ?? 0
    if usage.wasTurnedAway { return RunCharge(0, .reported) }
    let quote = prices.price(tokens, model: usage.model ?? model, on: date)
    guard usage.complete else { return RunCharge(max(reserved, reported, quote.usd.micros), .bound) }
    if usage.microUSD != nil, reported > 0 || tokens.total == 0 { return RunCharge(reported, .reported) }
    guard tokens.total > 0 else { return RunCharge(reserved, .bound) }
    return RunCharge(quote.usd.micros, quote.unpriced ? .bound : .priced)
  }

  /// What a worker's session is charged: its runner's own sums where it names any, the other calls by the list. As unsure as the
  /// least sure of its calls.
  ///
  /// - `hasEnded`: nothing will answer an open call any more, so it is charged as what it may have been.
  package static func of(
    _ transcript: Transcript, hasEnded: Bool = false, prices: PriceTable = .shipped, on date: CivilDate
  ) -> RunCharge {
    var charge = RunCharge(0, .reported)
    var rest = transcript.events[...]
    for stretch in transcript.sums {
      charge.microUSD = charge.microUSD.saturatingSum(stretch.microUSD)
      rest = rest.dropFirst(stretch.events)
    }
    for event in rest {
      if let reported = event.microUSD, reported > 0 {
        charge.microUSD = charge.microUSD.saturatingSum(reported)
      } else if event.tokens.total > 0 {
        let quote = prices.price(ChargedTokens(event), model: event.model, on: date, isOneRequest: true)
        charge.microUSD = charge.microUSD.saturatingSum(quote.usd.micros)
        if quote.unpriced { charge.source = .bound } else if charge.source == .reported { charge.source = .priced }
      }
    }
    if hasEnded, let unanswered = transcript.unanswered {
      let quote = prices.price(unanswered.tokens, model: unanswered.model, on: date)
      charge = RunCharge(charge.microUSD.saturatingSum(quote.usd.micros), .bound)
    }
    return charge
  }
}
