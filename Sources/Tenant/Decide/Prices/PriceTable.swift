/// What a model's tokens cost from one day on.
///
/// *Units*: micro-dollars for a million tokens, so $3 per Mtok is 3,000,000 and a tenth of a cent is still a whole number.
package struct ModelPrice: Sendable, Hashable {
  /// The canonical name (`PriceTable.canonical`).
  package let model: String
  package let from: CivilDate
  package let input: Int64
  package let cacheRead: Int64
  package let cacheWrite: Int64
  package let cacheWriteLong: Int64
  package let output: Int64
  /// A request whose prompt is longer than `above` tokens pays `percent` of every price of its prompt and `outputPercent` of the output's.
  package let long: LongPrompt?

  package struct LongPrompt: Sendable, Hashable {
    package let above: Int64
    package let percent: Int64
    package let outputPercent: Int64
  }

  package init(
    model: String, from: CivilDate, input: Int64, cacheRead: Int64, cacheWrite: Int64, cacheWriteLong: Int64,
    output: Int64, long: LongPrompt? = nil
  ) {
    self.model = model
    self.from = from
    self.input = input
    self.cacheRead = cacheRead
    self.cacheWrite = cacheWrite
    self.cacheWriteLong = cacheWriteLong
    self.output = output
    self.long = long
  }

  /// Micro-dollars, half a micro-dollar and more rounded up, and never past 64 bits.
  func price(_ tokens: ChargedTokens, isOneRequest: Bool) -> MicroUSD {
    let isLong = isOneRequest && tokens.prompt > long?.above ?? .max
    let promptPercent = Int128(isLong ? long?.percent ?? 100 : 100)
    let outputPercent = Int128(isLong ? long?.outputPercent ?? 100 : 100)
    let short = Int128(tokens.cacheWrite) - Int128(tokens.cacheWriteLong)
    let prompt =
      Int128(tokens.input) * Int128(input) + Int128(tokens.cacheRead) * Int128(cacheRead)
      + short * Int128(cacheWrite) + Int128(tokens.cacheWriteLong) * Int128(cacheWriteLong)
    let sum = prompt * promptPercent + Int128(tokens.output) * Int128(output) * outputPercent
    return MicroUSD(micros: Int64(clamping: (sum + 50_000_000) / 100_000_000))
  }
}

/// Tokens to money, by a dated list. Used where a runner reports tokens and no money, where its report is lost, and to compute a past
/// day again after a price was corrected.
package struct PriceTable: Sendable, Hashable {
  package struct Quote: Sendable, Hashable {
    package let usd: MicroUSD
    /// The model is not in the table (or unknown): the dearest known prices were used, and this is to be shown.
    package let unpriced: Bool
  }

  /// Ascending by date for each model.
  private let prices: [String: [ModelPrice]]

  package init(_ list: [ModelPrice]) {
    prices = Dictionary(grouping: list, by: \.model).mapValues { $0.sorted { $0.from < $1.from } }
  }

  package static let shipped = PriceTable(ShippedPrices.list)

  /// This table with an operator's own prices, which replace the shipped ones of the same model altogether: a contract price has no
  /// use for list prices of other dates.
  package func overridden(by list: [ModelPrice]) -> PriceTable {
    let own = Set(list.map(\.model))
    return PriceTable(prices.filter { !own.contains($0.key) }.values.flatMap { $0 } + list)
  }

  /// The same for the same prices, in every process: tells whether the list has changed.
  package var fingerprint: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for (_, list) in prices.sorted(by: { $0.key < $1.key }) {
      for byte in "\(list)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return String(hash, radix: 16)
  }

  package func knows(_ model: String?) -> Bool { model.map { prices[Self.canonical($0)] != nil } ?? false }

  /// `isOneRequest`: the tokens are those of one call of the model, so the price of a long prompt can be told. Totals of many
  /// calls are priced at the ordinary rate.
  package func price(
    _ tokens: ChargedTokens, model: String?, on date: CivilDate, isOneRequest: Bool = false
  ) -> Quote {
    if let model, let listed = prices[Self.canonical(model)], let first = listed.first {
      let price = listed.last { $0.from <= date } ?? first
      return Quote(usd: price.price(tokens, isOneRequest: isOneRequest), unpriced: false)
    }
    return Quote(usd: dearest.price(tokens, isOneRequest: false), unpriced: true)
  }

  /// The highest price of each bucket in the table, whichever model it belongs to: an upper bound for the unknown.
  package var dearest: ModelPrice {
    let all = prices.values.flatMap { $0 }
    func most(_ bucket: KeyPath<ModelPrice, Int64>) -> Int64 { all.map { $0[keyPath: bucket] }.max() ?? 0 }
    return ModelPrice(
      model: "", from: CivilDate(ordinal: 0), input: most(\.input), cacheRead: most(\.cacheRead),
      cacheWrite: most(\.cacheWrite), cacheWriteLong: most(\.cacheWriteLong), output: most(\.output))
  }

  /// The name that a price is listed under. Runners add a provider (`anthropic/…`, `us.anthropic.…-v1:0`), the date of a
  /// snapshot (`-20251001`, `-2026-02-16`, `@20251001`), a window (`[1m]`) or `-latest`, none of which changes the price. Nothing else is
  /// dropped: `gpt-5-pro` is not `gpt-5`.
  package static func canonical(_ model: String) -> String {
    var name = model.lowercased()[...]
    if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
    for mark in ["[", "@", ":"] {
      if let cut = name.firstIndex(of: Character(mark)) { name = name[..<cut] }
    }
    for provider in ["anthropic.", "openai."] {
      if let range = name.firstRange(of: provider) { name = name[range.upperBound...] }
    }
    if name.hasPrefix("claude"), let version = name.firstRange(of: "-v1"), version.upperBound == name.endIndex {
      name = name[..<version.lowerBound]
    }
    if name.hasSuffix("-latest") { name = name.dropLast("-latest".count) }
    return String(withoutDate(name)).replacing(".", with: name.hasPrefix("claude") ? "-" : ".")
  }

  private static func withoutDate(_ name: Substring) -> Substring {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    func isNumber(_ part: Substring, _ length: Int) -> Bool {
      part.utf8.count == length && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
    if let last = parts.last, parts.count > 1, isNumber(last, 8) { return name.dropLast(9) }
    if parts.count > 3, isNumber(parts[parts.count - 3], 4), isNumber(parts[parts.count - 2], 2),
      isNumber(parts[parts.count - 1], 2)
    {
      return name.dropLast(11)
    }
    return name
  }
}
