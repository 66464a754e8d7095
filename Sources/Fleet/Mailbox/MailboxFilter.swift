/// Which asks somebody wants to see.
package struct MailboxFilter: Hashable, Sendable {
  package var tenant: String?
  package var worker: String?
  package var onlyIrreversible: Bool
  package var minimumAgeSeconds: Int64?

  package init(
    tenant: String? = nil, worker: String? = nil, onlyIrreversible: Bool = false, minimumAgeSeconds: Int64? = nil
  ) {
    self.tenant = tenant
    self.worker = worker
    self.onlyIrreversible = onlyIrreversible
    self.minimumAgeSeconds = minimumAgeSeconds
  }

  package func includes(_ ask: MailboxAsk) -> Bool {
    (tenant == nil || ask.tenant == tenant) && (worker == nil || ask.worker == worker)
      && (!onlyIrreversible || ask.irreversible) && (minimumAgeSeconds.map { ask.ageSeconds >= $0 } ?? true)
  }

  package func apply(to asks: [MailboxAsk]) -> [MailboxAsk] { asks.filter(includes) }
}
