package import Tenant

/// A pending ask of some tenant, as the one mailbox shows it: `asks --json`, `GET /v1/asks`.
/// Shape: `{id,tenant,ask_id,worker,goal,prompt,at,age_s,reference,options,irreversible,worker_alive}`, id being `tenant/ask_id`.
package struct MailboxAsk: Hashable, Sendable {
  /// Who asks where it is the fleet itself: no tenant can be called so.
  package static let fleet = "@fleet"

  /// A tenant, or ``fleet``.
  package var tenant: String
  package var askID: String
  /// Who asks; nil where the fleet itself asks (a budget).
  package var worker: String?
  package var goal: String?
  package var prompt: String
  /// Unix seconds.
  package var at: Int64
  package var ageSeconds: Int64
  package var reference: String?
  package var options: [String]
  package var irreversible: Bool
  /// nil where no worker is behind the ask.
  package var workerAlive: Bool?

  package init(
    tenant: String, askID: String, worker: String?, goal: String?, prompt: String, at: Int64, ageSeconds: Int64,
    reference: String?, options: [String], irreversible: Bool, workerAlive: Bool?
  ) {
    self.tenant = tenant
    self.askID = askID
    self.worker = worker
    self.goal = goal
    self.prompt = prompt
    self.at = at
    self.ageSeconds = ageSeconds
    self.reference = reference
    self.options = options
    self.irreversible = irreversible
    self.workerAlive = workerAlive
  }

  package init(tenant: String, ask: TenantReport.Ask, now: Int64) {
    self.init(
      tenant: tenant, askID: ask.id, worker: ask.worker, goal: ask.goal, prompt: ask.prompt, at: ask.ts,
      ageSeconds: max(0, now - ask.ts), reference: ask.reference, options: ask.options,
      irreversible: ask.irreversible, workerAlive: ask.workerAlive)
  }

  package var id: String { "\(tenant)/\(askID)" }

  package var json: JSON {
    [
      "id": .string(id), "tenant": .string(tenant), "ask_id": .string(askID), "worker": .optional(worker),
      "goal": .optional(goal), "prompt": .string(prompt), "at": .int(at), "age_s": .int(ageSeconds),
      "reference": .optional(reference), "options": .array(options.map(JSON.string)),
      "irreversible": .bool(irreversible), "worker_alive": .optional(workerAlive),
    ]
  }

  package init?(json: JSON) {
    guard let tenant = json["tenant"]?.string, let askID = json["ask_id"]?.string, let prompt = json["prompt"]?.string
    else { return nil }
    self.init(
      tenant: tenant, askID: askID, worker: json["worker"]?.string, goal: json["goal"]?.string, prompt: prompt,
      at: json["at"]?.int ?? 0, ageSeconds: json["age_s"]?.int ?? 0, reference: json["reference"]?.string,
      options: json["options"]?.array?.compactMap(\.string) ?? [], irreversible: json["irreversible"]?.bool ?? false,
      workerAlive: json["worker_alive"]?.bool)
  }
}
