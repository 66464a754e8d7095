import Glibc

/// The environment as a value: read once at the start, passed on, never asked for in the middle of a decision.
package struct HostEnvironment: Hashable, Sendable {
  package var values: [String: String]

  package init(_ values: [String: String]) { self.values = values }

  package static func current() -> HostEnvironment {
    var values: [String: String] = [:]
    var cursor = unsafe environ
    while let entry = unsafe cursor.pointee {
      let text = unsafe String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        values[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      unsafe cursor += 1
    }
    return HostEnvironment(values)
  }

  /// An empty variable counts as unset.
  package subscript(name: String) -> String? {
    get { values[name].flatMap { $0.isEmpty ? nil : $0 } }
    set { values[name] = newValue }
  }

  /// A whole number ≥ 0; `nil` where unset. Where it cannot be read, the name is added to `warnings` and it is `nil`.
  package func number(_ name: String, warnings: inout [String]) -> Int? {
    guard let text = self[name] else { return nil }
    if let value = Int(text), value >= 0 { return value }
    warnings.append("\(name)=\(text) is not a whole number; its default is used")
    return nil
  }

  /// `NAME=value` lines for a child.
  package var entries: [String] { values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }
}
