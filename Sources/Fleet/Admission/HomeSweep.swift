import Tenant

/// When a tenant's runner home was last looked through for agents that nobody told the fleet of, as the ledger's notes keep it. Pure.
///
/// *Shape*: `BEGUN LAST`, Unix seconds.
package struct HomeSweep: Sendable, Hashable {
  /// What lies there from before is not the fleet's to charge.
  package let begun: Int64
  package let last: Int64

  package init(begun: Int64, last: Int64) {
    self.begun = begun
    self.last = last
  }

  package init?(_ text: String) {
    let words = text.split(separator: " ").map { Int64($0) }
    guard words.count == 2, let begun = words[0], let last = words[1] else { return nil }
    self.init(begun: begun, last: last)
  }

  package var text: String { "\(begun) \(last)" }

  package static let prefix = "home/"
  package static func key(_ tenant: TenantID) -> String { prefix + tenant.name }

  /// Seconds between two looks at a tenant of whom no worker lives.
  static let period: Int64 = 600
  /// A runner writes some lines long after what they tell of.
  static let lateness: Int64 = 3600

  package func isDue(at now: Int64) -> Bool { now - last >= Self.period || now < last }

  /// What is older was seen before; met again it is charged once.
  package var since: Int64 { max(begun, last - Self.lateness) }
}
