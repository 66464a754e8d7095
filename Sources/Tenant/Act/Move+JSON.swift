/// A move as a record on disk: what a parked one is kept in. The keys are those of the decision file (contract 3.8).
extension Move {
  package var json: JSON {
    var json = action.json
    json["journal"] = journal.map(JSON.string)
    json["next_interval_s"] = nextInterval.map(JSON.int)
    json["irreversible"] = irreversible ? true : nil
    return json
  }

  /// `nil` where the record is not a move. A record of ours always is one; a hand-edited one may not be.
  package init?(json: JSON) {
    guard let action = Action(json: json) else { return nil }
    self.init(
      action, journal: json["journal"]?.string, nextInterval: json["next_interval_s"]?.int,
      irreversible: json["irreversible"]?.bool ?? false)
  }
}

extension Action {
  /// The `action` tag.
  package var name: String {
    switch self {
    case .noop: "noop"
    case .runShell: "run_shell"
    case .writeGoal: "write_goal"
    case .archiveGoal: "archive_goal"
    case .writeSensor: "write_sensor"
    case .writePlaybook: "write_playbook"
    case .startWorker: "start_worker"
    case .killWorker: "kill_worker"
    case .writeSchedule: "write_schedule"
    case .dropSchedule: "drop_schedule"
    }
  }

  package var json: JSON {
    var json: JSON = ["action": .string(name)]
    switch self {
    case .noop(let reason):
      json["reason"] = reason.map(JSON.string)
    case .runShell(let command, let reason):
      json["cmd"] = .string(command)
      json["reason"] = reason.map(JSON.string)
    case .writeGoal(let id, let body):
      json["id"] = .string(id)
      json["body"] = .string(body)
    case .archiveGoal(let id):
      json["id"] = .string(id)
    case .writeSensor(let name, let script):
      json["name"] = .string(name)
      json["script"] = .string(script)
    case .writePlaybook(let body):
      json["body"] = .string(body)
    case .startWorker(let wish):
      json["id"] = .string(wish.id)
      json["prompt"] = .string(wish.prompt)
      json["command"] = wish.command.map(JSON.string)
      json["verify"] = wish.verify.map(JSON.string)
      json["goal"] = wish.goal.map(JSON.string)
      json["repo"] = wish.repo.map(JSON.string)
      json["base"] = wish.base.map(JSON.string)
    case .killWorker(let id, let reason):
      json["id"] = .string(id)
      json["reason"] = reason.map(JSON.string)
    case .writeSchedule(let name, let trigger, let note):
      json["name"] = .string(name)
      switch trigger {
      case .after(let seconds): json["in_s"] = .int(seconds)
      case .every(let seconds): json["every_s"] = .int(seconds)
      }
      json["note"] = note.map(JSON.string)
    case .dropSchedule(let name):
      json["name"] = .string(name)
    }
    return json
  }

  package init?(json: JSON) {
    func text(_ key: String) -> String? { json[key]?.string }
    switch text("action") {
    case "noop": self = .noop(reason: text("reason"))
    case "run_shell":
      guard let command = text("cmd") else { return nil }
      self = .runShell(command: command, reason: text("reason"))
    case "write_goal":
      guard let id = text("id"), let body = text("body") else { return nil }
      self = .writeGoal(id: id, body: body)
    case "archive_goal":
      guard let id = text("id") else { return nil }
      self = .archiveGoal(id: id)
    case "write_sensor":
      guard let name = text("name"), let script = text("script") else { return nil }
      self = .writeSensor(name: name, script: script)
    case "write_playbook":
      guard let body = text("body") else { return nil }
      self = .writePlaybook(body: body)
    case "start_worker":
      guard let id = text("id"), let prompt = text("prompt") else { return nil }
      self = .startWorker(
        WorkerWish(
          id: id, prompt: prompt, command: text("command"), verify: text("verify"), goal: text("goal"),
          repo: text("repo"), base: text("base")))
    case "kill_worker":
      guard let id = text("id") else { return nil }
      self = .killWorker(id: id, reason: text("reason"))
    case "write_schedule":
      guard let name = text("name") else { return nil }
      switch (json["in_s"]?.int, json["every_s"]?.int) {
      case (let seconds?, nil): self = .writeSchedule(name: name, trigger: .after(seconds: seconds), note: text("note"))
      case (nil, let seconds?): self = .writeSchedule(name: name, trigger: .every(seconds: seconds), note: text("note"))
      default: return nil
      }
    case "drop_schedule":
      guard let name = text("name") else { return nil }
      self = .dropSchedule(name: name)
    default: return nil
    }
  }
}
