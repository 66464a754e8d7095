/// Splits a terminal's byte stream into what a terminal acts on. It keeps its state between chunks: sequences and UTF-8
/// characters may be cut anywhere. After the state machine of DEC's VT500 series.
struct TerminalParser: Sendable {
  enum Event {
    case print(Unicode.Scalar)
    case control(UInt8)
    /// ESC, intermediates, final.
    case escape(intermediate: UInt8, final: UInt8)
    /// CSI, in ``TerminalParser/parameters``.
    case sequence(marker: UInt8, intermediate: UInt8, final: UInt8)
    /// OSC, in ``TerminalParser/text``.
    case command
  }

  private enum State { case ground, escape, sequence, ignoredSequence, command, string, stringEscape, commandEscape }

  private var state = State.ground
  private var intermediate: UInt8 = 0
  private var marker: UInt8 = 0
  /// -1 stands for a parameter that was left out.
  private(set) var parameters: [Int] = []
  /// Whether the parameter of the same place was joined with a colon to the one before it.
  private(set) var isSubparameter: [Bool] = []
  private(set) var text: [UInt8] = []
  private var scalar: UInt32 = 0
  private var missing = 0
  private var smallest: UInt32 = 0

  private static let maximumParameters = 32
  private static let maximumText = 256

  /// Nothing is half read: the stream may be cut here.
  var isAtRest: Bool { state == .ground && missing == 0 }
  /// Plain ASCII may be taken without asking the parser.
  var isPlain: Bool { isAtRest }

  /// What puts a fresh parser where this one is, for a string that does not end.
  var introducer: String {
    switch state {
    case .command, .commandEscape: "\u{1B}]"
    case .string, .stringEscape: "\u{1B}P"
    case .ground, .escape, .sequence, .ignoredSequence: ""
    }
  }

  mutating func take(_ byte: UInt8) -> Event? {
    if missing > 0, byte & 0xC0 == 0x80 { return continued(byte) }
    if missing > 0 {
      // A character that was cut off: shown as one replacement, and this byte counts anew.
      missing = 0
      pendingByte = byte
      return .print("\u{FFFD}")
    }
    switch state {
    case .ground: return ground(byte)
    case .escape: return escape(byte)
    case .sequence, .ignoredSequence: return sequence(byte)
    case .command: return command(byte)
    case .commandEscape:
      state = .ground
      if byte == UInt8(ascii: "\\") { return .command }
      state = .escape
      intermediate = 0
      return escape(byte)
    case .string:
      if byte == 0x1B { state = .stringEscape } else if byte == 0x18 || byte == 0x1A { state = .ground }
      return nil
    case .stringEscape:
      state = .ground
      if byte == UInt8(ascii: "\\") { return nil }
      state = .escape
      intermediate = 0
      return escape(byte)
    }
  }

  /// A byte that must be taken again after the last event.
  private var pendingByte: UInt8?
  mutating func takePending() -> UInt8? {
    defer { pendingByte = nil }
    return pendingByte
  }

  private mutating func ground(_ byte: UInt8) -> Event? {
    switch byte {
    case 0x1B:
      state = .escape
      intermediate = 0
      return nil
    case 0x00..<0x20: return .control(byte)
    case 0x7F: return nil
    case 0x20..<0x7F: return .print(Unicode.Scalar(byte))
    case 0xC2...0xDF: return begin(UInt32(byte & 0x1F), missing: 1, smallest: 0x80)
    case 0xE0...0xEF: return begin(UInt32(byte & 0x0F), missing: 2, smallest: 0x800)
    case 0xF0...0xF4: return begin(UInt32(byte & 0x07), missing: 3, smallest: 0x10000)
    default: return .print("\u{FFFD}")
    }
  }

  private mutating func begin(_ bits: UInt32, missing count: Int, smallest least: UInt32) -> Event? {
    scalar = bits
    missing = count
    smallest = least
    return nil
  }

  private mutating func continued(_ byte: UInt8) -> Event? {
    scalar = scalar << 6 | UInt32(byte & 0x3F)
    missing -= 1
    guard missing == 0 else { return nil }
    guard scalar >= smallest, let found = Unicode.Scalar(scalar) else { return .print("\u{FFFD}") }
    // The C1 controls have no effect in UTF-8.
    return found.value < 0xA0 ? nil : .print(found)
  }

  private mutating func escape(_ byte: UInt8) -> Event? {
    switch byte {
    case 0x1B:
      intermediate = 0
      return nil
    case 0x18, 0x1A:
      state = .ground
      return nil
    case 0x00..<0x20: return .control(byte)
    case 0x20..<0x30:
      intermediate = byte
      return nil
    case UInt8(ascii: "[") where intermediate == 0:
      state = .sequence
      marker = 0
      parameters.removeAll(keepingCapacity: true)
      isSubparameter.removeAll(keepingCapacity: true)
      return nil
    case UInt8(ascii: "]") where intermediate == 0:
      state = .command
      text.removeAll(keepingCapacity: true)
      return nil
    case UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
      guard intermediate == 0 else { fallthrough }
      state = .string
      return nil
    case 0x30..<0x7F:
      state = .ground
      return .escape(intermediate: intermediate, final: byte)
    default:
      state = .ground
      return nil
    }
  }

  private mutating func sequence(_ byte: UInt8) -> Event? {
    switch byte {
    case 0x1B:
      state = .escape
      intermediate = 0
      return nil
    case 0x18, 0x1A:
      state = .ground
      return nil
    case 0x00..<0x20: return .control(byte)
    case 0x30..<0x3A:
      if parameters.isEmpty { add(joined: false) }
      let last = parameters.count - 1
      parameters[last] = min(65535, max(0, parameters[last]) * 10 + Int(byte - 0x30))
      return nil
    case UInt8(ascii: ";"), UInt8(ascii: ":"):
      if parameters.isEmpty { add(joined: false) }
      add(joined: byte == UInt8(ascii: ":"))
      return nil
    case UInt8(ascii: "<")...UInt8(ascii: "?"):
      if parameters.isEmpty, marker == 0 { marker = byte } else { state = .ignoredSequence }
      return nil
    case 0x20..<0x30:
      intermediate = byte
      return nil
    case 0x40..<0x7F:
      let isIgnored = state == .ignoredSequence
      state = .ground
      return isIgnored ? nil : .sequence(marker: marker, intermediate: intermediate, final: byte)
    default: return nil
    }
  }

  private mutating func add(joined: Bool) {
    guard parameters.count < Self.maximumParameters else {
      state = .ignoredSequence
      return
    }
    parameters.append(-1)
    isSubparameter.append(joined)
  }

  private mutating func command(_ byte: UInt8) -> Event? {
    switch byte {
    case 0x07:
      state = .ground
      return .command
    case 0x1B: state = .commandEscape
    case 0x18, 0x1A: state = .ground
    default: if text.count < Self.maximumText { text.append(byte) }
    }
    return nil
  }
}
