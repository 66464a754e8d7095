import Tenant

/// A number of bytes, as in `memory_max: 4G`.
package struct ByteSize: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let bytes: Int64

  package init(bytes: Int64) { self.bytes = bytes }

  /// `512M`, `4G`, `1.5G`, `20GiB`; the letters count in powers of 1024, as systemd's do. A bare number is refused: it is as
  /// likely meant as megabytes.
  package init?(_ text: String) {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let power = Self.units[text.dropFirst(number.count).lowercased()] else { return nil }
    let scale = Int64(1) << (10 * power)
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let whole = Int64(first) else { return nil }
    let (bytes, overflow) = whole.multipliedReportingOverflow(by: scale)
    guard !overflow else { return nil }
    guard parts.count == 2 else {
      self.bytes = bytes
      return
    }
    guard (1...3).contains(parts[1].count), let fraction = Int64(parts[1]) else { return nil }
    let divisor: Int64 = parts[1].count == 1 ? 10 : parts[1].count == 2 ? 100 : 1000
    self.bytes = bytes.saturatingSum(Int64(clamping: Int128(scale) * Int128(fraction) / Int128(divisor)))
  }

  private static let units: [String: Int64] = [
    "k": 1, "kib": 1, "kb": 1, "m": 2, "mib": 2, "mb": 2, "g": 3, "gib": 3, "gb": 3, "t": 4, "tib": 4, "tb": 4,
  ]

  /// *Shape*: `4G`, the largest unit that leaves a whole number.
  package var description: String {
    for (unit, power) in [("T", Int64(40)), ("G", 30), ("M", 20), ("K", 10)] where bytes >= 1 << power {
      if bytes % (1 << power) == 0 { return "\(bytes >> power)\(unit)" }
    }
    return "\(bytes)"
  }

  package static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

/// A share of the machine's processors, as in `cpu: 2` or `cpu: 0.5`.
///
/// *Units*: thousandths of one processor.
package struct CPUShare: Sendable, Hashable, CustomStringConvertible {
  package let thousandths: Int64

  package init(thousandths: Int64) { self.thousandths = thousandths }

  package init?(_ text: String) {
    // The same exact decimals as money, three places of them.
    guard let decimal = MicroUSD(decimal: text), decimal.micros % 1000 == 0, decimal.micros >= 10_000 else {
      return nil
    }
    thousandths = decimal.micros / 1000
  }

  package var description: String {
    let (whole, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
    return rest == 0 ? "\(whole)" : "\(MicroUSD(micros: thousandths * 1000))".replacing("$", with: "")
  }
}

/// Spans of time as they are written: `500ms`, `60s`, `5m`, `2h`, `1d`, `1h30m`.
package enum DurationText {
  package static func duration(_ text: String) -> Duration? {
    var rest = text[...]
    var total: Int64 = 0
    var smallest = Int64.max
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(unit.count)
      // Each unit once, and from large to small: `5m2h` is a slip of the pen.
      guard let count = Int64(digits), let scale = milliseconds[String(unit)], scale < smallest else { return nil }
      smallest = scale
      let (product, overflow) = count.multipliedReportingOverflow(by: scale)
      guard !overflow, product < .max / 2, total < .max / 2 else { return nil }
      total += product
    }
    return text.isEmpty ? nil : .milliseconds(total)
  }

  /// The shortest of the accepted spellings.
  package static func text(_ duration: Duration) -> String {
    var rest = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    guard rest > 0 else { return "0s" }
    var text = ""
    for (unit, scale) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    where rest >= scale {
      text += "\(rest / scale)\(unit)"
      rest %= scale
    }
    return text
  }

  private static let milliseconds: [String: Int64] = [
    "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
  ]
}
