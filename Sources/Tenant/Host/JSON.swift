/// A JSON value as it stands in a file. Records are read into it and written from it, so that fields this program does not
/// know survive a rewrite, and so that a reading's compact form is the same bytes for the same value (the world's hash).
///
/// Objects print with sorted keys, as looop 1.0 prints them. Integers and floating numbers are kept apart.
package enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSON])
  case object(JSONMembers)
}

extension JSON {
  package subscript(key: String) -> JSON? {
    get { if case .object(let members) = self { members[key] } else { nil } }
    set {
      guard case .object(var members) = self else { return }
      members[key] = newValue
      self = .object(members)
    }
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: JSONMembers? { if case .object(let value) = self { value } else { nil } }
  package var isNull: Bool { self == .null }

  /// A whole number; a floating one counts only when it has no fraction and fits.
  package var int: Int64? {
    switch self {
    case .int(let value): value
    case .double(let value): Int64(exactly: value)
    case .null, .bool, .string, .array, .object: nil
    }
  }

  package var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }

  package static func object(_ members: [String: JSON]) -> JSON { .object(JSONMembers(members)) }

  /// `nil` becomes `null`: absent values are null on every wire of ours.
  package static func optional(_ value: String?) -> JSON { value.map(JSON.string) ?? .null }
  package static func optional(_ value: Int64?) -> JSON { value.map(JSON.int) ?? .null }
  package static func optional(_ value: Int?) -> JSON { value.map { .int(Int64($0)) } ?? .null }
  package static func optional(_ value: Double?) -> JSON { value.map(JSON.double) ?? .null }
  package static func optional(_ value: Bool?) -> JSON { value.map(JSON.bool) ?? .null }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(JSONMembers(elements))
  }
}
