package import Tenant

/// One worker of the fleet: `workers --json`, `GET /v1/workers`.
/// Shape: `{tenant,id,phase,reason,position,pid,health,sandbox,branch,started_at,exit_code,usd}`.
package struct WorkerRow: Hashable, Sendable {
  package var tenant: String
  package var id: String
  package var phase: WorkerRecord.Phase
  package var reason: String?
  /// Its place in the queue, from 1, while it is pending.
  package var position: Int?
  package var pid: Int32?
  package var health: String?
  package var sandbox: String?
  package var branch: String?
  package var startedAt: Int64?
  package var exitCode: Int64?
  /// Micro-dollars; nil while nothing is metered.
  package var spent: Int64?

  package init(
    tenant: String, id: String, phase: WorkerRecord.Phase, reason: String? = nil, position: Int? = nil,
    pid: Int32? = nil, health: String? = nil, sandbox: String? = nil, branch: String? = nil, startedAt: Int64? = nil,
    exitCode: Int64? = nil, spent: Int64? = nil
  ) {
    self.tenant = tenant
    self.id = id
    self.phase = phase
    self.reason = reason
    self.position = position
    self.pid = pid
    self.health = health
    self.sandbox = sandbox
    self.branch = branch
    self.startedAt = startedAt
    self.exitCode = exitCode
    self.spent = spent
  }

  package var json: JSON {
    [
      "tenant": .string(tenant), "id": .string(id), "phase": .string(phase.rawValue), "reason": .optional(reason),
      "position": .optional(position), "pid": .optional(pid.map(Int64.init)), "health": .optional(health),
      "sandbox": .optional(sandbox), "branch": .optional(branch), "started_at": .optional(startedAt),
      "exit_code": .optional(exitCode), "usd": .usd(spent),
    ]
  }
}

extension WorkerRow {
  package init?(json: JSON) {
    guard let tenant = json["tenant"]?.string, let id = json["id"]?.string,
      let phase = json["phase"]?.string.flatMap(WorkerRecord.Phase.init(rawValue:))
    else { return nil }
    self.init(
      tenant: tenant, id: id, phase: phase, reason: json["reason"]?.string,
      position: json["position"]?.int.map(Int.init),
      pid: json["pid"]?.int.flatMap(Int32.init(exactly:)), health: json["health"]?.string,
      sandbox: json["sandbox"]?.string, branch: json["branch"]?.string, startedAt: json["started_at"]?.int,
      exitCode: json["exit_code"]?.int, spent: json["usd"]?.microUSD)
  }
}
