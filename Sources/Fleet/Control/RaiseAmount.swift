import Tenant

/// By how much today's caps are raised, axis by axis. Over the wire: `{"usd":5,"tokens":1000000,"decides":50}`, at least one of them.
package struct RaiseAmount: Hashable, Sendable {
  package var microUSD: Int64
  package var tokens: Int64
  package var decides: Int64

  package init(microUSD: Int64 = 0, tokens: Int64 = 0, decides: Int64 = 0) {
    self.microUSD = microUSD
    self.tokens = tokens
    self.decides = decides
  }

  /// What one raise may add: a mistyped amount must not open the purse.
  package static let most = RaiseAmount(microUSD: 1_000_000_000_000, tokens: 1_000_000_000_000, decides: 1_000_000)

  init(_ body: JSON) throws(FleetRefusal) {
    self.init(
      microUSD: try Self.part(body, "usd", most: Self.most.microUSD, unit: 1_000_000, \.microUSD),
      tokens: try Self.part(body, "tokens", most: Self.most.tokens, \.int),
      decides: try Self.part(body, "decides", most: Self.most.decides, \.int))
    guard self != RaiseAmount() else {
      throw FleetRefusal(.invalidArgument, "the raise names no amount", hint: Self.hint)
    }
  }

  private static let hint = #"send {"usd":5}"#

  /// 0 where it is not named.
  private static func part(
    _ body: JSON, _ name: String, most: Int64, unit: Int64 = 1, _ read: (JSON) -> Int64?
  ) throws(FleetRefusal) -> Int64 {
    guard let json = body[name], !json.isNull else { return 0 }
    guard let value = read(json), value > 0, value <= most else {
      throw FleetRefusal(
        .invalidArgument, "\(name) must be a number above 0 and at most \(most / unit)", hint: hint)
    }
    return value
  }

  /// For the audit, whatever was sent.
  static func words(_ body: JSON) -> String? {
    let parts = [("usd", "USD"), ("tokens", "tokens"), ("decides", "decides")].compactMap { key, unit in
      body[key].flatMap { $0.isNull ? nil : "\($0.compact) \(unit)" }
    }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
