/// Money as it is shown: integer micro-dollars in, dollars out.
package enum Money {
  /// At most four decimals, without zeros at the end: `0.0421`, `10`, `3.5`.
  package static func text(_ microUSD: Int64) -> String {
    let (rounded, _) = microUSD.magnitude.addingReportingOverflow(50)
    let units = rounded / 100
    var fraction = String(units % 10_000)
    fraction = String(repeating: "0", count: 4 - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    let sign = microUSD < 0 && units > 0 ? "-" : ""
    return "\(sign)\(units / 10_000)" + (fraction.isEmpty ? "" : ".\(fraction)")
  }

  /// Dollars as a JSON number, without the noise of binary fractions.
  package static func json(_ microUSD: Int64) -> JSON {
    microUSD % 1_000_000 == 0 ? .int(microUSD / 1_000_000) : .double(Double(microUSD) / 1e6)
  }

  package static func microUSD(_ usd: Double) -> Int64 {
    guard usd.isFinite else { return usd > 0 ? 1_000_000_000_000 : 0 }
    return Int64((max(-1e6, min(usd, 1e6)) * 1e6).rounded())
  }
}
