extension JSON {
  /// One line, sorted keys, nothing escaped that need not be: what looop 1.0 hashes and prints.
  package var compact: String {
    var writer = JSONWriter(pretty: false)
    writer.write(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Two-space indentation, sorted keys, no newline at the end.
  package var pretty: String {
    var writer = JSONWriter(pretty: true)
    writer.write(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

/// Writes JSON into one buffer. Long lists of records go straight into it, without a value in between: see ``list(_:_:)`` and
/// ``object(_:)``.
package struct JSONWriter {
  private let pretty: Bool
  private var depth = 0
  /// The innermost object has one already: the next begins with a comma.
  private var hasMember = false
  package private(set) var bytes: [UInt8] = []

  package init(pretty: Bool) {
    self.pretty = pretty
    bytes.reserveCapacity(256)
  }

  package mutating func write(_ value: JSON) {
    switch value {
    case .null: put("null")
    case .bool(let flag): put(flag ? "true" : "false")
    case .int(let number): put(String(number))
    case .double(let number): put(number.isFinite ? number.description : "null")
    case .string(let text): write(text)
    case .array(let elements): list(elements) { writer, element in writer.write(element) }
    case .object(let members):
      object { object in
        for (key, value) in members { object.member(key) { $0.write(value) } }
      }
    }
  }

  package mutating func list<Element>(_ elements: [Element], _ each: (inout JSONWriter, Element) -> Void) {
    bytes.append(UInt8(ascii: "["))
    depth += 1
    for (index, element) in elements.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      newline()
      each(&self, element)
    }
    depth -= 1
    if !elements.isEmpty { newline() }
    bytes.append(UInt8(ascii: "]"))
  }

  /// `body` names the members, in the order of their keys' bytes.
  package mutating func object(_ body: (inout JSONWriter) -> Void) {
    let outer = hasMember
    hasMember = false
    bytes.append(UInt8(ascii: "{"))
    depth += 1
    body(&self)
    depth -= 1
    if hasMember { newline() }
    bytes.append(UInt8(ascii: "}"))
    hasMember = outer
  }

  package mutating func member(_ key: String, _ value: (inout JSONWriter) -> Void) {
    if hasMember { bytes.append(UInt8(ascii: ",")) }
    hasMember = true
    newline()
    write(key)
    put(pretty ? ": " : ":")
    value(&self)
  }

  package mutating func write(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { text in
      var start = 0
      for index in text.indices {
        let byte = unsafe text[index]
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
        unsafe bytes.append(contentsOf: text[start..<index])
        escape(byte)
        start = index + 1
      }
      unsafe bytes.append(contentsOf: text[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): put("\\\"")
    case UInt8(ascii: "\\"): put("\\\\")
    case 0x08: put("\\b")
    case 0x09: put("\\t")
    case 0x0A: put("\\n")
    case 0x0C: put("\\f")
    case 0x0D: put("\\r")
    default:
      let digits = String(byte, radix: 16)
      put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
    }
  }

  private mutating func newline() {
    guard pretty else { return }
    bytes.append(0x0A)
    for _ in 0..<depth {
      bytes.append(0x20)
      bytes.append(0x20)
    }
  }

  private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
