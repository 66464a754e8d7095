/// What stands in one place of a screen.
package struct TerminalCell: Hashable, Sendable {
  /// A Unicode scalar, 0 for blank, or an index into the terminal's clusters (``clusterBit``).
  package var code: UInt32 = 0
  package var style = TerminalStyle()
  /// 1, 2 for the left half of a wide character, 0 for its right half.
  package var width: UInt8 = 1

  static let clusterBit: UInt32 = 0x8000_0000

  package var isBlank: Bool { code == 0 || code == 0x20 }
}

/// Colours and attributes.
package struct TerminalStyle: Hashable, Sendable {
  package var foreground = TerminalColour.standard
  package var background = TerminalColour.standard
  package var attributes: TerminalAttributes = []

  package var isStandard: Bool { self == TerminalStyle() }
  /// A blank with this style can be seen.
  package var isVisibleOnBlank: Bool {
    background != .standard || !attributes.isDisjoint(with: [.inverse, .underline, .strikethrough])
  }
}

package struct TerminalAttributes: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let bold = TerminalAttributes(rawValue: 1)
  package static let dim = TerminalAttributes(rawValue: 2)
  package static let italic = TerminalAttributes(rawValue: 4)
  package static let underline = TerminalAttributes(rawValue: 8)
  package static let blink = TerminalAttributes(rawValue: 16)
  package static let inverse = TerminalAttributes(rawValue: 32)
  package static let hidden = TerminalAttributes(rawValue: 64)
  package static let strikethrough = TerminalAttributes(rawValue: 128)

  /// The SGR numbers that set them.
  static let codes: [(TerminalAttributes, Int)] = [
    (.bold, 1), (.dim, 2), (.italic, 3), (.underline, 4), (.blink, 5), (.inverse, 7), (.hidden, 8), (.strikethrough, 9),
  ]
}

/// The terminal's own colour, one of 256, or red-green-blue, in one word: a screen is thousands of these.
package struct TerminalColour: Hashable, Sendable {
  private let word: UInt32
  private init(_ word: UInt32) { self.word = word }

  package static let standard = TerminalColour(0)
  package static func indexed(_ number: UInt8) -> TerminalColour { TerminalColour(0x0100_0000 | UInt32(number)) }
  package static func rgb(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> TerminalColour {
    TerminalColour(0x0200_0000 | UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue))
  }

  /// `idx4`, `#ff8800`; `nil` for the terminal's own.
  package var name: String? {
    switch word >> 24 {
    case 1: return "idx\(word & 0xff)"
    case 2:
      let digits = String(word & 0xffffff, radix: 16)
      return "#" + String(repeating: "0", count: 6 - digits.count) + digits
    default: return nil
    }
  }

  /// The SGR parameters that set it as the foreground (`base` 30) or background (40).
  func codes(base: Int) -> String? {
    switch word >> 24 {
    case 1:
      let number = Int(word & 0xff)
      if number < 8 { return String(base + number) }
      if number < 16 { return String(base + 52 + number) }
      return "\(base + 8);5;\(number)"
    case 2: return "\(base + 8);2;\(word >> 16 & 0xff);\(word >> 8 & 0xff);\(word & 0xff)"
    default: return nil
    }
  }
}

extension TerminalStyle {
  /// The whole style as one SGR sequence, from whatever was set before.
  var sequence: String {
    var codes = ["0"]
    for (attribute, code) in TerminalAttributes.codes where attributes.contains(attribute) {
      codes.append(String(code))
    }
    if let code = foreground.codes(base: 30) { codes.append(code) }
    if let code = background.codes(base: 40) { codes.append(code) }
    return "\u{1B}[\(codes.joined(separator: ";"))m"
  }
}
