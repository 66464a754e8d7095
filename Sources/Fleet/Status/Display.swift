/// Text for a terminal. What tenants write (prompts, reasons, ids) reaches the screen of ops: escape sequences in it must not.
package enum Display {
  /// One line without control characters; longer text ends in `…`. `limit` counts terminal cells.
  package static func line(_ text: String, limit: Int = 500) -> String {
    var out = ""
    var cells = 0
    var pendingSpace = false
    for character in text {
      if character.isWhitespace || isControl(character) {
        pendingSpace = !out.isEmpty
        continue
      }
      let width = Self.width(of: character)
      if cells + width + (pendingSpace ? 1 : 0) > limit {
        return fit(out, limit) + (limit > 0 ? "…" : "")
      }
      if pendingSpace {
        out.append(" ")
        cells += 1
        pendingSpace = false
      }
      out.append(character)
      cells += width
    }
    return out
  }

  private static func fit(_ text: String, _ limit: Int) -> String {
    var text = text
    while !text.isEmpty, width(of: text) > limit - 1 { text.removeLast() }
    return text
  }

  /// Parts put together into lines of at most `width` cells; a part that is longer is cut.
  package static func wrapped(_ parts: [String], separator: String, width: Int) -> [String] {
    var lines: [String] = []
    for part in parts {
      if let last = lines.last, self.width(of: last) + self.width(of: separator) + self.width(of: part) <= width {
        lines[lines.count - 1] = last + separator + part
      } else {
        lines.append(line(part, limit: width))
      }
    }
    return lines
  }

  /// Several lines, each without control characters but tab turned to spaces.
  package static func block(_ text: String) -> [String] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line in
      var out = ""
      for character in line {
        if character == "\t" { out += "  " } else if !isControl(character) { out.append(character) }
      }
      return out
    }
  }

  private static func isControl(_ character: Character) -> Bool {
    character.unicodeScalars.contains { scalar in
      switch scalar.properties.generalCategory {
      // Format characters too: some turn the reading direction round.
      case .control, .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator:
        // The joiner of emoji is harmless and common.
        scalar.value != 0x200D
      default: false
      }
    }
  }

  /// How many cells of a terminal a character takes.
  package static func width(of character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    if scalar.properties.isEmojiPresentation { return 2 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default:
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format: return 0
      default: return 1
      }
    }
  }

  package static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

  /// Cut or filled to exactly `cells`.
  package static func padded(_ text: String, _ cells: Int, right: Bool = false) -> String {
    let cut = line(text, limit: cells)
    let space = String(repeating: " ", count: max(0, cells - width(of: cut)))
    return right ? space + cut : cut + space
  }

  /// `12s`, `5m`, `3h`, `2d`.
  package static func age(_ seconds: Int64) -> String {
    switch max(0, seconds) {
    case let s where s < 60: "\(s)s"
    case let s where s < 3600: "\(s / 60)m"
    case let s where s < 86400: "\(s / 3600)h"
    case let s: "\(s / 86400)d"
    }
  }

  /// `$1.20`, `$0.0042`: cents, and more digits only where cents would say nothing.
  package static func money(_ micro: Int64) -> String {
    let sign = micro < 0 ? "-" : ""
    let amount = micro.magnitude
    if amount > 0, amount < 10_000 {
      return "\(sign)$0.\(zeros(amount / 100, 4))"
    }
    let cents = (amount + 5000) / 10_000
    return "\(sign)$\(cents / 100).\(zeros(cents % 100, 2))"
  }

  private static func zeros(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// `850`, `12k`, `5.0M`.
  package static func count(_ value: Int64) -> String {
    switch value.magnitude {
    case ..<10_000: "\(value)"
    case ..<1_000_000: "\(value / 1000)k"
    default: "\(value / 1_000_000).\(value.magnitude / 100_000 % 10)M"
    }
  }

  /// `512 B`, `3.4 MiB`.
  package static func bytes(_ value: Int64) -> String {
    var amount = Double(value)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if amount.magnitude < 1024 { return unit == "B" ? "\(value) B" : "\(tenth(amount)) \(unit)" }
      amount /= 1024
    }
    return "\(tenth(amount)) TiB"
  }

  private static func tenth(_ value: Double) -> String {
    let tenths = Int64((value * 10).rounded())
    return "\(tenths / 10).\(tenths.magnitude % 10)"
  }
}
