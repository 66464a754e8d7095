import Testing

@testable import Fleet
@testable import Tenant

@Suite struct PriceListFileTests {
  private static let date = CivilDate("2026-11-20")!

  @Test func `an operator's own price replaces the shipped one`() throws {
    let result = PriceListFile.parse(
      """
      models:
        gpt-5: { input: 1, output: 8 }
        house/model-7: { input: 0.10, cache_read: 0, output: 0.30, from: 2026-07-01 }
      """, file: "prices.yaml")
    #expect(result.problems == [])
    let table = PriceTable.shipped.overridden(by: try #require(result.prices))
    let tokens = ChargedTokens(input: 1_000_000, cacheRead: 1_000_000, output: 1_000_000)
    #expect(table.price(tokens, model: "gpt-5", on: Self.date).usd.micros == 10_000_000)
    #expect(table.price(tokens, model: "model-7", on: Self.date).usd.micros == 400_000)
    #expect(
      table.price(tokens, model: "claude-sonnet-4-6", on: Self.date)
        == PriceTable.shipped.price(tokens, model: "claude-sonnet-4-6", on: Self.date))
  }

  @Test func `a bad price list is refused with its lines`() {
    let result = PriceListFile.parse(
      """
      models:
        gpt-5: { input: cheap, output: 8 }
        other: { inputs: 1, output: 2 }
        third: { input: 1, output: 2, from: yesterday }
      """, file: "prices.yaml")
    #expect(result.prices == nil)
    #expect(
      result.problems.map(\.description) == [
        "prices.yaml:2: `input` must be USD per million tokens such as 2.50, not `cheap`",
        "prices.yaml:3: unknown key `inputs` in `other`", "prices.yaml:3: `other` needs at least `input` and `output`",
        "prices.yaml:4: `from` must be a date such as 2026-07-01",
      ])
  }
}
