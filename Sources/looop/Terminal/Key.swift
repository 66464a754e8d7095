/// One key, or one thing done with the mouse, as a terminal reports it.
enum Key: Hashable {
  case text(Character)
  case enter, escape, tab, backspace, delete
  case up, down, left, right, home, end, pageUp, pageDown
  case control(Character)
  case wheelUp, wheelDown
  /// Row and column count from 0.
  case press(row: Int, column: Int)
  case drag(row: Int, column: Int)
  case release
  case unknown
}

/// Turns the bytes of a terminal into keys. Pure: whoever reads the bytes says when a pause ended a sequence, because a lone
/// Esc is only told from the start of an arrow key by the silence after it.
struct KeyParser {
  private var pending: [UInt8] = []

  mutating func feed(_ bytes: some Sequence<UInt8>) -> [Key] {
    pending.append(contentsOf: bytes)
    var keys: [Key] = []
    while let (key, count) = next() {
      if let key { keys.append(key) }
      pending.removeFirst(count)
    }
    return keys
  }

  /// Nothing came for a while: what is pending is all there is.
  mutating func flush() -> [Key] {
    guard !pending.isEmpty else { return [] }
    let isEscape = pending == [27]
    pending = []
    return [isEscape ? .escape : .unknown]
  }

  var isWaiting: Bool { !pending.isEmpty }

  /// The first key of what is pending and how many bytes it took; `nil` where more bytes are needed.
  private func next() -> (Key?, Int)? {
    guard let first = pending.first else { return nil }
    switch first {
    case 27: return escapeSequence()
    case 13, 10: return (.enter, 1)
    case 9: return (.tab, 1)
    case 8, 127: return (.backspace, 1)
    case 1...26: return (.control(Character(UnicodeScalar(first + 96))), 1)
    case 0, 28...31: return (.unknown, 1)
    case 32...126: return (.text(Character(UnicodeScalar(first))), 1)
    default: return character(first)
    }
  }

  private func character(_ first: UInt8) -> (Key?, Int)? {
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
    guard length > 1 else { return (nil, 1) }
    guard pending.count >= length else { return nil }
    guard let text = String(validating: pending.prefix(length), as: UTF8.self), let character = text.first else {
      return (nil, 1)
    }
    return (.text(character), length)
  }

  private func escapeSequence() -> (Key?, Int)? {
    guard pending.count > 1 else { return nil }
    switch pending[1] {
    case UInt8(ascii: "O"):
      guard pending.count > 2 else { return nil }
      return (Self.final[pending[2]] ?? .unknown, 3)
    case UInt8(ascii: "["):
      guard let end = pending[2...].firstIndex(where: { (0x40...0x7E).contains($0) }) else {
        // No terminal sends longer ones: give up on a sequence that never ends.
        return pending.count > 32 ? (.unknown, pending.count) : nil
      }
      let parameters = String(decoding: pending[2..<end], as: UTF8.self)
      return (Self.key(parameters, pending[end]), end + 1)
    case 27: return (.escape, 1)
    default: return (.unknown, 2)
    }
  }

  private static let final: [UInt8: Key] = [
    UInt8(ascii: "A"): .up, UInt8(ascii: "B"): .down, UInt8(ascii: "C"): .right, UInt8(ascii: "D"): .left,
    UInt8(ascii: "H"): .home, UInt8(ascii: "F"): .end,
  ]

  private static func key(_ parameters: String, _ final: UInt8) -> Key {
    if let key = Self.final[final] { return key }
    switch (final, parameters) {
    case (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): return .home
    case (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): return .end
    case (UInt8(ascii: "~"), "3"): return .delete
    case (UInt8(ascii: "~"), "5"): return .pageUp
    case (UInt8(ascii: "~"), "6"): return .pageDown
    case (UInt8(ascii: "M"), _), (UInt8(ascii: "m"), _): return mouse(parameters, pressed: final == UInt8(ascii: "M"))
    default: return .unknown
    }
  }

  /// SGR mouse reports: `<button;column;row`, from 1.
  private static func mouse(_ parameters: String, pressed: Bool) -> Key {
    let numbers = parameters.dropFirst().split(separator: ";").compactMap { Int($0) }
    guard parameters.hasPrefix("<"), numbers.count == 3 else { return .unknown }
    let (button, column, row) = (numbers[0], numbers[1] - 1, numbers[2] - 1)
    switch button {
    case 64: return .wheelUp
    case 65: return .wheelDown
    case 0: return pressed ? .press(row: row, column: column) : .release
    case 32: return .drag(row: row, column: column)
    default: return pressed ? .unknown : .release
    }
  }
}
