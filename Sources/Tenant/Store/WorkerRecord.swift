/// A wish for a worker and what became of it: `workers/<id>.json`, written before anything is started.
package struct WorkerRecord: Hashable, Sendable {
  package enum Phase: String, Sendable, CaseIterable { case pending, starting, running, exited, failed }

  package var id: String
  package var phase: Phase
  package var reason: String?
  package var goal: String?
  package var repo: String?
  package var base: String?
  package var command: String?
  package var verify: String?
  package var sandbox: String?
  package var branch: String?
  package var requestedAt: Int64
  package var startedAt: Int64?
  /// Changes with every wish of the same id, so that an old answer never meets a new wish.
  package var generation: String
  /// The session holder.
  package var process: ProcessIdentity?

  package init(id: String, requestedAt: Int64, generation: String) {
    self.id = id
    phase = .pending
    self.requestedAt = requestedAt
    self.generation = generation
  }

  package var json: JSON {
    [
      "v": 1, "id": .string(id), "phase": .string(phase.rawValue), "reason": .optional(reason), "goal": .optional(goal),
      "repo": .optional(repo), "base": .optional(base), "command": .optional(command), "verify": .optional(verify),
      "sandbox": .optional(sandbox), "branch": .optional(branch), "requested_at": .int(requestedAt),
      "started_at": .optional(startedAt), "generation": .string(generation), "process": process?.json ?? .null,
    ]
  }

  package init?(id: String, json: JSON) {
    guard let phase = json["phase"]?.string.flatMap(Phase.init(rawValue:)) else { return nil }
    self.id = id
    self.phase = phase
    reason = json["reason"]?.string
    goal = json["goal"]?.string
    repo = json["repo"]?.string
    base = json["base"]?.string
    command = json["command"]?.string
    verify = json["verify"]?.string
    sandbox = json["sandbox"]?.string
    branch = json["branch"]?.string
    requestedAt = json["requested_at"]?.int ?? 0
    startedAt = json["started_at"]?.int
    generation = json["generation"]?.string ?? ""
    process = json["process"].flatMap(ProcessIdentity.init(json:))
  }
}
