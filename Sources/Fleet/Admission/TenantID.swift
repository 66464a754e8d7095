/// The name of a tenant: what an operator types, the stem of its file in `tenants.d`, a folder below the state directory, a
/// control group, a key of the ledger and the left half of `tenant/ask`. So one alphabet has to be safe in all of these places, and
/// a value of this type is the proof that it was checked.
///
/// *Shape*: 1 to 48 of `A-Z a-z 0-9 . _ -`, the first a letter or a digit.
package struct TenantID: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let name: String

  /// Long enough for people; short enough that socket paths and control group names built from it stay within their limits.
  package static let longest = 48

  package init?(_ name: String) {
    guard let first = name.utf8.first, Self.isLetterOrDigit(first), name.utf8.count <= Self.longest,
      name.utf8.allSatisfy({
        Self.isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
      })
    else { return nil }
    self.name = name
  }

  package var description: String { name }

  package static func < (left: TenantID, right: TenantID) -> Bool { left.name < right.name }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
