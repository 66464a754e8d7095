package import Tenant

/// One line of the audit log: who changed what, and through what. `audit --json`, `GET /v1/audit`.
/// Shape: `{"at","by","via","action","tenant","detail"}`; `tenant` is null where it concerned the whole fleet.
package struct AuditRow: Hashable, Sendable {
  package var at: Int64
  package var actor: String
  package var via: String
  package var action: String
  package var tenant: String?
  package var detail: String

  package init(at: Int64, actor: String, via: String, action: String, tenant: String?, detail: String) {
    self.at = at
    self.actor = actor
    self.via = via
    self.action = action
    self.tenant = tenant
    self.detail = detail
  }

  package init(_ entry: AuditEntry) {
    self.init(
      at: entry.at, actor: entry.actor, via: entry.via, action: entry.action, tenant: entry.scope.tenant?.name,
      detail: entry.detail)
  }

  package var json: JSON {
    [
      "at": .int(at), "by": .string(actor), "via": .string(via), "action": .string(action),
      "tenant": .optional(tenant), "detail": .string(detail),
    ]
  }
}
