/// The rule that every id of a tenant keeps: it becomes a file's name and a line of a prompt.
package enum IdentifierKind: String, Sendable {
  case goal, sensor, schedule, claim, ask, worker, playbook
}

package struct InvalidIdentifier: Error, Hashable, Sendable, CustomStringConvertible {
  package var kind: IdentifierKind
  package var text: String
  package var description: String { "invalid \(kind.rawValue) \"\(text)\"" }
  package var hint: String { "an id has no white space, no slash, and begins with no dot" }
}

package enum Identifier {
  /// Non-empty, no `/`, `\`, white space or control character, no leading dot; short enough to be a file's name.
  package static func isValid(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 200, !text.hasPrefix(".") else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      scalar != "/" && scalar != "\\" && !scalar.properties.isWhitespace
        && scalar.properties.generalCategory != .control
    }
  }

  package static func check(_ text: String, _ kind: IdentifierKind) throws(InvalidIdentifier) {
    guard isValid(text) else { throw InvalidIdentifier(kind: kind, text: text) }
  }

  /// A session's id is also a directory and a socket's name: at most 64 of `[A-Za-z0-9._-]`.
  package static func isValidSession(_ text: String) -> Bool {
    isValid(text) && text.utf8.count <= 64
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
