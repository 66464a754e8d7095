package import Tenant

/// A runner's account that its provider has turned away until some time.
package struct ParkedAccount: Sendable, Hashable {
  package let tenant: TenantID
  package let runner: String
  package let until: Int64
  package let reason: String

  package var refusal: AdmissionRefusal {
    AdmissionRefusal(scope: .tenant(tenant), axis: nil, reason: reason, retryAt: until)
  }
}

extension ParkedAccount {
  /// Longest wait behind the provider's own reset: accounts that were parked together do not all come back in one second.
  private static let widestJitter: Int64 = 300

  /// Parks an account until the provider lets it in again, and a little longer: by the tenant's name, so that every reading of
  /// the same event gives the same time. Nil for a reset that has passed.
  package init?(tenant: TenantID, runner: String, resetsAt: Int64, now: Int64, zone: ZoneRules) {
    guard resetsAt > now else { return nil }
    // A broken clock or event must not park an account for years.
    let reset = min(resetsAt, now.saturatingSum(8 * 86_400))
    let spread = tenant.name.utf8.reduce(UInt64(5381)) { $0 &* 33 ^ UInt64($1) }
    let jitter = Int64(spread % UInt64(Self.widestJitter)) + 1
    self.init(
      tenant: tenant, runner: runner, until: reset + jitter,
      reason:
        "\(runner)'s provider turned it away; its limit ends \(Self.when(reset, now: now, zone)), and it is asked again shortly after"
    )
  }

  /// As a worker's own record tells it: codex's names the windows of its subscription. The others' say nothing that is known.
  package init?(tenant: TenantID, transcript: Transcript, now: Int64, zone: ZoneRules) {
    guard let until = transcript.limitedUntil else { return nil }
    self.init(tenant: tenant, runner: transcript.runner, resetsAt: until, now: now, zone: zone)
  }

  private static func when(_ reset: Int64, now: Int64, _ zone: ZoneRules) -> String {
    let day = zone.date(at: reset) == zone.date(at: now) ? "" : "on \(zone.date(at: reset)) "
    return "\(day)at \(zone.clockTime(at: reset)) (\(zone.name))"
  }
}
