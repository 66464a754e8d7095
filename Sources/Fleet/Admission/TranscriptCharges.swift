package import Tenant

/// Charges from a worker's transcripts. Pure.
///
/// Each call of a model is one charge, so that reading a growing transcript again and again charges each call once, on the day on
/// which it was first seen. Where the runner names the money of a stretch of calls (claude's `cost-state`), the calls share it by
/// what the price table says of them, to the last micro-dollar: the ledger's sum is then the runner's own.
package enum TranscriptCharges {
  package static func of(_ transcript: Transcript, prices: PriceTable, on date: CivilDate) -> [Charge] {
    let charges = transcript.events.map { charge($0, of: transcript, prices: prices, on: date) }
    var billed: [Charge] = []
    var rest = charges[...]
    for sum in transcript.sums {
      let stretch = Array(rest.prefix(sum.events))
      rest = rest.dropFirst(sum.events)
      billed += share(sum.microUSD, among: stretch)
    }
    return billed + rest
  }

  package static func of(_ transcripts: [Transcript], prices: PriceTable, on date: CivilDate) -> [Charge] {
    transcripts.flatMap { of($0, prices: prices, on: date) }
  }

  /// The call that a session died in, as the most that it can have been. Nil where every call was answered.
  package static func lastCall(_ transcript: Transcript, prices: PriceTable, on date: CivilDate) -> Charge? {
    guard let unanswered = transcript.unanswered else { return nil }
    let quote = prices.price(unanswered.tokens, model: unanswered.model, on: date)
    return Charge(
      eventID: "\(unanswered.after)/unanswered", source: .bound, unpriced: quote.unpriced, usd: quote.usd,
      tokens: unanswered.tokens, model: unanswered.model, session: transcript.session)
  }

  private static func charge(
    _ event: TranscriptEvent, of transcript: Transcript, prices: PriceTable, on date: CivilDate
  ) -> Charge {
    let tokens = ChargedTokens(event)
    if let reported = event.microUSD, reported > 0 {
      return Charge(
        eventID: event.id, source: .reported, usd: MicroUSD(micros: reported), tokens: tokens, model: event.model,
        session: transcript.session, at: event.at)
    }
    let quote = prices.price(tokens, model: event.model, on: date, isOneRequest: true)
    return Charge(
      eventID: event.id, source: .priced, unpriced: quote.unpriced, usd: quote.usd, tokens: tokens, model: event.model,
      session: transcript.session, at: event.at)
  }

  /// By price, the remainder to the last; by tokens where nothing has a price.
  private static func share(_ sum: Int64, among charges: [Charge]) -> [Charge] {
    guard !charges.isEmpty else { return [] }
    let byPrice = charges.contains { $0.usd > .zero }
    let weights = charges.map { Int128(byPrice ? $0.usd.micros : $0.tokens.total) }
    let whole = max(1, weights.reduce(0, +))
    var left = sum
    return charges.enumerated().map { index, charge in
      var charge = charge
      let part = index == charges.count - 1 ? left : Int64(Int128(sum) * weights[index] / whole)
      left -= part
      charge.usd = MicroUSD(micros: part)
      charge.source = .reported
      charge.unpriced = false
      return charge
    }
  }
}
