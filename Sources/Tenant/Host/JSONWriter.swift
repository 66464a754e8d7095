extension JSON {
  /// One line, sorted keys, nothing escaped that need not be: what looop 1.0 hashes and prints.
  package var compact: String {
    var writer = JSONWriter(pretty: false)
    writer.write(self, indent: 0)
    return writer.text
  }

  /// Two-space indentation, sorted keys, no newline at the end.
  package var pretty: String {
    var writer = JSONWriter(pretty: true)
    writer.write(self, indent: 0)
    return writer.text
  }
}

private struct JSONWriter {
  let pretty: Bool
  private var out: [UInt8] = []

  init(pretty: Bool) {
    self.pretty = pretty
    out.reserveCapacity(256)
  }

  var text: String { String(decoding: out, as: UTF8.self) }

  mutating func write(_ value: JSON, indent: Int) {
    switch value {
    case .null: put("null")
    case .bool(let flag): put(flag ? "true" : "false")
    case .int(let number): put(String(number))
    case .double(let number): put(number.isFinite ? number.description : "null")
    case .string(let text): write(string: text)
    case .array(let elements):
      sequence("[", "]", elements, indent: indent) { writer, element in writer.write(element, indent: indent + 1) }
    case .object(let members):
      sequence("{", "}", members.sorted { $0.key < $1.key }, indent: indent) { writer, member in
        writer.write(string: member.key)
        writer.put(writer.pretty ? ": " : ":")
        writer.write(member.value, indent: indent + 1)
      }
    }
  }

  private mutating func sequence<Element>(
    _ open: String, _ close: String, _ elements: [Element], indent: Int,
    _ each: (inout JSONWriter, Element) -> Void
  ) {
    put(open)
    for (index, element) in elements.enumerated() {
      if index > 0 { put(",") }
      newline(indent + 1)
      each(&self, element)
    }
    if !elements.isEmpty { newline(indent) }
    put(close)
  }

  private mutating func newline(_ indent: Int) {
    guard pretty else { return }
    out.append(0x0A)
    out.append(contentsOf: repeatElement(0x20, count: indent * 2))
  }

  private mutating func put(_ text: String) { out.append(contentsOf: text.utf8) }

  private mutating func write(string: String) {
    out.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""): put("\\\"")
      case UInt8(ascii: "\\"): put("\\\\")
      case 0x08: put("\\b")
      case 0x09: put("\\t")
      case 0x0A: put("\\n")
      case 0x0C: put("\\f")
      case 0x0D: put("\\r")
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
