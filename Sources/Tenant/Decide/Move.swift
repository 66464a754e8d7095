/// The one typed move of a beat.
package enum Action: Hashable, Sendable {
  case noop(reason: String?)
  case runShell(command: String, reason: String?)
  case writeGoal(id: String, body: String)
  case archiveGoal(id: String)
  case writeSensor(name: String, script: String)
  case writePlaybook(body: String)
  case startWorker(WorkerWish)
  case killWorker(id: String, reason: String?)
  case writeSchedule(name: String, trigger: ScheduleTrigger, note: String?)
  case dropSchedule(name: String)
}

package enum ScheduleTrigger: Hashable, Sendable {
  case after(seconds: Int64)
  case every(seconds: Int64)
}

/// What is wanted of a worker: the fields of `start_worker` and of `worker start`.
package struct WorkerWish: Hashable, Sendable {
  package var id: String
  package var prompt: String
  package var command: String?
  package var verify: String?
  package var goal: String?
  package var repo: String?
  package var base: String?

  package init(
    id: String, prompt: String, command: String? = nil, verify: String? = nil, goal: String? = nil, repo: String? = nil,
    base: String? = nil
  ) {
    self.id = id
    self.prompt = prompt
    self.command = command
    self.verify = verify
    self.goal = goal
    self.repo = repo
    self.base = base
  }
}

/// An action with what goes along with it.
package struct Move: Hashable, Sendable {
  package var action: Action
  /// Replaces the automatic journal line.
  package var journal: String?
  package var nextInterval: Int64?
  /// The decider itself says that this cannot be taken back: it is gated whatever the rules say.
  package var irreversible: Bool

  package init(_ action: Action, journal: String? = nil, nextInterval: Int64? = nil, irreversible: Bool = false) {
    self.action = action
    self.journal = journal
    self.nextInterval = nextInterval
    self.irreversible = irreversible
  }
}
