package import Tenant

/// Every tenant's asks as one list: what each tenant's last report said, and what the fleet itself asks. Pure; a tenant's report
/// can only ever add asks of that tenant, because the tenant's name comes from who reported, never from what was reported.
package enum Mailbox {
  /// More than a person will ever answer. A tenant that floods the mailbox hides nobody else's asks, only its own newest.
  package static let maximumPerTenant = 2000

  /// Oldest first; of the same second, by tenant and id, so that the list stands still between two looks.
  package static func merge(
    _ reports: some Sequence<(tenant: String, asks: [TenantReport.Ask])>, fleet: [MailboxAsk] = [], now: Int64
  ) -> [MailboxAsk] {
    var merged = fleet.map { ask in
      var ask = ask
      ask.ageSeconds = max(0, now - ask.at)
      return ask
    }
    for (tenant, asks) in reports {
      let kept = asks.count > maximumPerTenant ? Array(asks.sorted { $0.ts < $1.ts }.prefix(maximumPerTenant)) : asks
      merged += kept.map { MailboxAsk(tenant: tenant, ask: $0, now: now) }
    }
    return sorted(merged)
  }

  package static func sorted(_ asks: [MailboxAsk]) -> [MailboxAsk] {
    asks.sorted { ($0.at, $0.tenant, $0.askID) < ($1.at, $1.tenant, $1.askID) }
  }
}
