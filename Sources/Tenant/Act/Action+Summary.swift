extension Action {
  /// The journal's word for it when the move brings none.
  package var summary: String {
    switch self {
    case .noop(let reason): Self.join("noop", reason)
    case .runShell(let command, let reason): Self.join("run-shell", Self.nonBlank(reason) ?? command)
    case .writeGoal(let id, _): "write-goal \(id)"
    case .archiveGoal(let id): "archive-goal \(id)"
    case .writeSensor(let name, _): "write-sensor \(name)"
    case .writePlaybook: "write-playbook"
    case .startWorker(let wish):
      "start-worker \(wish.id)\(Self.nonBlank(wish.command) == nil ? "" : " (command override)")"
    case .killWorker(let id, let reason): Self.join("kill-worker \(id)", reason)
    case .writeSchedule(let name, .after(let seconds), _): "write-schedule \(name) (one-shot, due in \(seconds)s)"
    case .writeSchedule(let name, .every(let seconds), _): "write-schedule \(name) (recurring, every \(seconds)s)"
    case .dropSchedule(let name): "drop-schedule \(name)"
    }
  }

  /// The word in `tick.decided` lines.
  package var kind: String {
    switch self {
    case .noop: "noop"
    case .runShell: "shell"
    case .writeGoal: "goal"
    case .archiveGoal: "archive"
    case .writeSensor: "sensor"
    case .writePlaybook: "playbook"
    case .startWorker: "worker"
    case .killWorker: "kill"
    case .writeSchedule: "schedule"
    case .dropSchedule: "drop-schedule"
    }
  }

  /// The goal whose turn this was. A worker stands for the goal it was given, else for the goal of its own name.
  package var goal: String? {
    switch self {
    case .writeGoal(let id, _), .archiveGoal(let id), .killWorker(let id, _): id
    case .startWorker(let wish): wish.goal ?? wish.id
    case .noop, .runShell, .writeSensor, .writePlaybook, .writeSchedule, .dropSchedule: nil
    }
  }

  private static func nonBlank(_ text: String?) -> String? {
    text.flatMap { $0.contains { !$0.isWhitespace } ? $0 : nil }
  }

  private static func join(_ head: String, _ reason: String?) -> String {
    nonBlank(reason).map { "\(head) · \($0)" } ?? head
  }
}
