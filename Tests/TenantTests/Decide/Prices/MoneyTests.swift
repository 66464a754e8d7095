import TestSupport
import Testing

@testable import Tenant

@Suite struct MoneyTests {
  @Test(arguments: [
    ("0", 0), ("20", 20_000_000), ("2.5", 2_500_000), ("0.000001", 1), ("1_000", 1_000_000_000), ("007", 7_000_000),
    ("9223372036854", 9_223_372_036_854_000_000),
  ])
  func `a decimal is read exactly`(text: String, micros: Int64) {
    #expect(MicroUSD(decimal: text)?.micros == micros)
  }

  @Test(arguments: [
    "", ".", ".5", "1.", "-1", "+1", "1e3", "0x10", "1,5", "0.0000001", "$1", " 1", "1 ", "inf", "9223372036855",
    "1.2.3", "٣",
  ])
  func `what is no plain amount is refused`(text: String) {
    #expect(MicroUSD(decimal: text) == nil)
  }

  @Test(arguments: [
    (0.0, 0), (0.1, 100_000), (0.21000000000000002, 210_000), (0.0000004, 0), (0.0000005, 1), (1e30, Int64.max),
  ])
  func `a runner's number is taken to the nearest micro-dollar`(dollars: Double, micros: Int64) {
    #expect(MicroUSD(reported: dollars)?.micros == micros)
  }

  @Test(arguments: [-0.01, Double.nan, .infinity, -.infinity]) func `what is no bill is refused`(dollars: Double) {
    #expect(MicroUSD(reported: dollars) == nil)
  }

  @Test(arguments: [
    (0, "$0.00"), (1, "$0.000001"), (400, "$0.0004"), (12_500_000, "$12.50"), (-1_250_000, "-$1.25"),
    (1_000_000, "$1.00"),
  ]) func `words`(micros: Int64, words: String) {
    #expect(MicroUSD(micros: micros).description == words)
  }

  @Test func `sums saturate`() {
    let most = MicroUSD(micros: .max)
    #expect(most + MicroUSD(micros: 1) == most)
    #expect(MicroUSD(micros: .min) - most == MicroUSD(micros: .min))
  }

  @Test(arguments: 0..<200 as Range<UInt64>) func `a printed amount reads back as itself`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let amount = MicroUSD(
      micros: Int64.random(in: 0...Int64.max / 2, using: &random) >> Int64.random(in: 0..<62, using: &random))
    #expect(MicroUSD(decimal: amount.description.dropFirst()) == amount)
  }
}
