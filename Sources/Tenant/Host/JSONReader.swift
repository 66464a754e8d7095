/// Why a text is not JSON, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  package var reason: String
  package var offset: Int
  package var description: String { "\(reason) at byte \(offset)" }
}

extension JSON {
  /// How deep a value may nest: a hostile file must not run us out of stack.
  static let maximumDepth = 128

  /// Parses one value; anything but white space after it is an error.
  package init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }

  package init(parsing bytes: [UInt8]) throws(JSONError) {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.error("text after the value") }
    self = value
  }

  /// Parses the value that starts at `offset` and says where it ends, for looking into plain text.
  package static func prefix(of bytes: [UInt8], from offset: Int) -> (value: JSON, end: Int)? {
    var reader = JSONReader(bytes: bytes)
    reader.position = offset
    // Losing the reason is right here: the caller only asks whether a value starts at this byte.
    guard let value = try? reader.value(depth: 0) else { return nil }
    return (value, reader.position)
  }
}

/// A strict reader over UTF-8 bytes. It never traps and never recurses past ``JSON/maximumDepth``.
struct JSONReader {
  private let bytes: [UInt8]
  fileprivate(set) var position = 0

  /// Reads an object member by member, for records that are read by the thousand: `body` takes each value off the reader. The text must be
  /// one object and nothing else, as for ``JSON/init(parsing:)``.
  static func forEachMember(
    of bytes: [UInt8], _ body: (String, inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    var reader = JSONReader(bytes: bytes)
    reader.skipSpace()
    guard reader.take("{") else { throw reader.error("expected an object") }
    reader.position -= 1
    try reader.members { key, reader throws(JSONError) in try body(key, &reader) }
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.error("text after the value") }
  }

  /// The value at the reader's place, inside of one object.
  mutating func member() throws(JSONError) -> JSON { try value(depth: 1) }

  init(bytes: [UInt8]) { self.bytes = bytes }

  func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: position) }

  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth < JSON.maximumDepth else { throw error("nested too deeply") }
    skipSpace()
    guard position < bytes.count else { throw error("unexpected end") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw error("unexpected character")
    }
  }

  mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
    let text = word.utf8
    guard bytes.count - position >= text.count, bytes[position..<position + text.count].elementsEqual(text) else {
      throw error("unexpected word")
    }
    position += text.count
    return value
  }

  mutating func object(depth: Int) throws(JSONError) -> JSON {
    var members: [JSONMembers.Element] = []
    try self.members { key, reader throws(JSONError) in
      members.append((key, try reader.value(depth: depth + 1)))
    }
    return .object(JSONMembers(members))
  }

  private mutating func members(
    _ body: (String, inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    position += 1
    skipSpace()
    if take("}") { return }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw error("expected a key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw error("expected ':'") }
      try body(key, &self)
      skipSpace()
      if take(",") { continue }
      if take("}") { return }
      throw error("expected ',' or '}'")
    }
  }

  mutating func array(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var elements: [JSON] = []
    skipSpace()
    if take("]") { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(",") { continue }
      if take("]") { return .array(elements) }
      throw error("expected ',' or ']'")
    }
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  mutating func digits() throws(JSONError) {
    guard position < bytes.count, isDigit(bytes[position]) else { throw error("expected a digit") }
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
  }

  mutating func number() throws(JSONError) -> JSON {
    let start = position
    var floating = false
    _ = take("-")
    if take("0") {
      if position < bytes.count, isDigit(bytes[position]) { throw error("a number starts with 0") }
    } else {
      try digits()
    }
    if take(".") {
      floating = true
      try digits()
    }
    if take("e") || take("E") {
      floating = true
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if !floating, let whole = Int64(text) { return .int(whole) }
    guard let value = Double(text), value.isFinite else { throw error("a number out of range") }
    return .double(value)
  }

  mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
      guard bytes[position] >= 0x20 else { throw error("a control character in a string") }
      position += 1
    }
    guard position < bytes.count else { throw error("a string without an end") }
    if bytes[position] == UInt8(ascii: "\"") {
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    return try escapedString(from: start)
  }

  /// The slow path: a string with at least one escape.
  mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var out = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
      guard byte >= 0x20 else { throw error("a control character in a string") }
      guard byte == UInt8(ascii: "\\") else {
        out.append(byte)
        continue
      }
      guard position < bytes.count else { break }
      let kind = bytes[position]
      position += 1
      switch kind {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(kind)
      case UInt8(ascii: "b"): out.append(0x08)
      case UInt8(ascii: "f"): out.append(0x0C)
      case UInt8(ascii: "n"): out.append(0x0A)
      case UInt8(ascii: "r"): out.append(0x0D)
      case UInt8(ascii: "t"): out.append(0x09)
      case UInt8(ascii: "u"): out.append(contentsOf: String(Character(try escapedScalar())).utf8)
      default: throw error("an unknown escape")
      }
    }
    throw error("a string without an end")
  }

  /// `\uXXXX`, with its second half where it is a surrogate; a lone surrogate becomes U+FFFD.
  mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
    let first = try hexUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    let mark = position
    if first < 0xDC00, take("\\"), take("u") {
      let second = try hexUnit()
      if second >= 0xDC00, second <= 0xDFFF,
        let scalar = Unicode.Scalar(0x10000 + ((UInt32(first) - 0xD800) << 10) + (UInt32(second) - 0xDC00))
      {
        return scalar
      }
    }
    position = mark
    return "\u{FFFD}"
  }

  mutating func hexUnit() throws(JSONError) -> UInt16 {
    guard position + 4 <= bytes.count else { throw error("a short \\u escape") }
    var value: UInt16 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw error("a bad \\u escape") }
      value = value << 4 | UInt16(digit)
    }
    position += 4
    return value
  }
}
