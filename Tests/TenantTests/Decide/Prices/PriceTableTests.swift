import Testing

@testable import Tenant

@Suite struct PriceTableTests {
  private static let date = CivilDate("2026-11-20")!

  @Test(arguments: [
    ("claude-opus-4-5-20251101", "claude-opus-4-5"), ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5"),
    ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
    ("claude-haiku-4-5@20251001", "claude-haiku-4-5"), ("openai/gpt-5.1-codex", "gpt-5.1-codex"),
    ("gpt-5-2025-08-07", "gpt-5"), ("GPT-5-Codex", "gpt-5-codex"), ("claude-3-7-sonnet-latest", "claude-3-7-sonnet"),
    ("gpt-5-pro", "gpt-5-pro"),
  ])
  func `names are listed under`(name: String, canonical: String) {
    #expect(PriceTable.canonical(name) == canonical)
  }

  /// What Claude Code 2.1.330 charged for 100,000 tokens in and 1,000 out.
  @Test(arguments: [
    ("claude-opus-5-5", 420_000), ("claude-opus-4-8", 525_000), ("claude-sonnet-5-5", 210_000),
    ("claude-sonnet-4-6", 315_000), ("claude-haiku-4-5", 105_000), ("claude-haiku-5-5", 10_500),
    ("claude-fable-5-1", 1_050_000), ("claude-3-5-haiku-20241022", 84_000),
  ])
  func `prices agree with what claude itself charges`(model: String, micros: Int64) {
    let quote = PriceTable.shipped.price(
      ChargedTokens(input: 100_000, output: 1000), model: model, on: Self.date, isOneRequest: true)
    #expect(quote == PriceTable.Quote(usd: MicroUSD(micros: micros), unpriced: false))
  }

  @Test func `each bucket has its price`() {
    func price(_ tokens: ChargedTokens) -> Int64 {
      PriceTable.shipped.price(tokens, model: "claude-sonnet-4-6", on: Self.date).usd.micros
    }
    #expect(price(ChargedTokens(input: 1_000_000)) == 3_000_000)
    #expect(price(ChargedTokens(cacheRead: 1_000_000)) == 300_000)
    #expect(price(ChargedTokens(cacheWrite: 1_000_000)) == 3_750_000)
    #expect(price(ChargedTokens(cacheWrite: 1_000_000, cacheWriteLong: 1_000_000)) == 6_000_000)
    #expect(price(ChargedTokens(output: 1_000_000)) == 15_000_000)
    #expect(price(ChargedTokens(input: 1)) == 3)
    #expect(price(ChargedTokens(cacheRead: 1)) == 0)
    #expect(price(ChargedTokens(cacheRead: 2)) == 1)
  }

  @Test func `a long prompt has its price where one request is known`() {
    let tokens = ChargedTokens(input: 300_000, output: 1000)
    let table = PriceTable.shipped
    #expect(table.price(tokens, model: "claude-haiku-5-5", on: Self.date, isOneRequest: true).usd.micros == 152_500)
    #expect(table.price(tokens, model: "claude-haiku-5-5", on: Self.date).usd.micros == 30_500)
    #expect(table.price(tokens, model: "gpt-5.6-sol", on: Self.date, isOneRequest: true).usd.micros == 2_430_000)
  }

  @Test func `a price is that of its day`() {
    let tokens = ChargedTokens(output: 1_000_000)
    func price(_ date: String) -> Int64 {
      PriceTable.shipped.price(tokens, model: "gpt-5.6-sol", on: CivilDate(date)!).usd.micros
    }
    #expect(price("2026-08-31") == 30_000_000)
    #expect(price("2026-09-01") == 20_000_000)
    #expect(price("2020-01-01") == 30_000_000, "before its first: the first")
  }

  @Test(arguments: [nil, "", "gpt-99", "claude-opus-99"]) func `an unknown model costs the dearest`(model: String?) {
    let tokens = ChargedTokens(input: 10, cacheRead: 20, cacheWrite: 30, output: 40)
    let quote = PriceTable.shipped.price(tokens, model: model, on: Self.date)
    #expect(quote.unpriced)
    for entry in ShippedPrices.list {
      #expect(PriceTable.shipped.price(tokens, model: entry.model, on: Self.date).usd <= quote.usd)
    }
  }

  @Test func `the shipped table is well formed`() {
    for entry in ShippedPrices.list {
      #expect(PriceTable.canonical(entry.model) == entry.model)
      #expect(entry.cacheRead <= entry.input && entry.input <= entry.cacheWriteLong && entry.input <= entry.output)
      #expect(entry.from <= CivilDate(ShippedPrices.asOf)!)
    }
    #expect(Set(ShippedPrices.list.map { "\($0.model) \($0.from)" }).count == ShippedPrices.list.count)
  }
}
