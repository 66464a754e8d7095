/// Money in integer millionths of a US dollar. Binary floating point cannot hold 0.1, and a ledger whose rows do not add up
/// to its totals is no ledger.
///
/// Sums saturate instead of trapping or wrapping: a total too big for 64 bits reads as "more than any cap", so an overflow
/// stops spending. It can never look like a refill.
///
/// *Units*: micro-dollars; 1 USD = 1,000,000. In JSON money is USD as a number (`usd`).
package struct MicroUSD: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let micros: Int64

  package static let zero = MicroUSD(micros: 0)
  package static let perDollar: Int64 = 1_000_000

  package init(micros: Int64) { self.micros = micros }

  /// What a person writes: `20`, `0.25`, `1_000`. Exact, so more than six decimals are refused; so are signs and exponents.
  package init?(decimal text: some StringProtocol) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, let dollars = Self.digits(String(whole.filter { $0 != "_" })) else { return nil }
    var fraction: Int64 = 0
    if parts.count == 2 {
      guard (1...6).contains(parts[1].utf8.count), let digits = Self.digits(String(parts[1])) else { return nil }
      fraction = (parts[1].utf8.count..<6).reduce(digits) { value, _ in value * 10 }
    }
    let (scaled, overflow) = dollars.multipliedReportingOverflow(by: Self.perDollar)
    let (sum, carried) = scaled.addingReportingOverflow(fraction)
    guard !overflow, !carried else { return nil }
    micros = sum
  }

  /// What a runner reports, a JSON number of dollars, to the nearest micro-dollar. Nil for what no bill can say: negative,
  /// infinite, not a number.
  package init?(reported dollars: Double) {
    let scaled = (dollars * Double(Self.perDollar)).rounded()
    guard scaled.isFinite, scaled >= 0 else { return nil }
    micros = Int64(exactly: scaled) ?? .max
  }

  /// Dollars as a JSON number. For output only; nothing is computed from it.
  package var dollars: Double { Double(micros) / Double(Self.perDollar) }

  /// *Shape*: `$12.50`, `$0.0004`; at least two decimals, and no more than are needed.
  package var description: String {
    let sign = micros < 0 ? "-" : ""
    let (whole, rest) = micros.magnitude.quotientAndRemainder(dividingBy: UInt64(Self.perDollar))
    var decimals = String(repeating: "0", count: 6 - String(rest).count) + String(rest)
    while decimals.count > 2, decimals.last == "0" { decimals.removeLast() }
    return "\(sign)$\(whole).\(decimals)"
  }

  package static func < (left: MicroUSD, right: MicroUSD) -> Bool { left.micros < right.micros }

  package static func + (left: MicroUSD, right: MicroUSD) -> MicroUSD {
    MicroUSD(micros: left.micros.saturatingSum(right.micros))
  }

  package static func - (left: MicroUSD, right: MicroUSD) -> MicroUSD {
    let (difference, overflow) = left.micros.subtractingReportingOverflow(right.micros)
    return MicroUSD(micros: overflow ? (left.micros < 0 ? .min : .max) : difference)
  }

  private static func digits(_ text: some StringProtocol) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return Int64(text)
  }
}

extension Int64 {
  /// The sum, held at the end of the range on overflow, so that an overflow reads as too much.
  package func saturatingSum(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (self < 0 ? .min : .max) : sum
  }
}
