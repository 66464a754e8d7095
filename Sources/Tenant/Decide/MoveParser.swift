/// From a runner's words to a typed move, or to the reason why not. Pure.
///
/// The file wins where the runner wrote one (looop 1.0); else the runner's final answer counts.
package enum MoveParser {
  package static func move(file: String?, answer: RunnerAnswer) throws(MoveError) -> Move {
    if let file { return try move(json: MoveText.file(file)) }
    switch answer {
    case .none: throw MoveError(.absent, "the runner wrote no .decision.json and gave no final answer")
    case .message(let text): return try move(json: MoveText.message(text))
    case .plain(let text): return try move(json: MoveText.plain(text))
    }
  }

  package static func move(json: JSON) throws(MoveError) -> Move {
    guard json.object != nil else { throw MoveError(.malformed, "a move is one JSON object, not \(kind(json))") }
    var fields = Fields(json: json)
    let name = try fields.required("action")
    fields.action = name
    let action = try action(name, fields)
    var move = Move(action)
    move.journal = json["journal"]?.string.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    if case .int(let seconds)? = json["next_interval_s"], seconds >= 0 { move.nextInterval = seconds }
    move.irreversible = try fields.flag("irreversible")
    return move
  }

  private static func action(_ name: String, _ fields: Fields) throws(MoveError) -> Action {
    switch name {
    case "noop": return .noop(reason: try fields.optional("reason"))
    case "run_shell":
      return .runShell(command: try fields.body("cmd"), reason: try fields.optional("reason"))
    case "write_goal": return .writeGoal(id: try fields.id("id", .goal), body: try fields.body("body"))
    case "archive_goal": return .archiveGoal(id: try fields.id("id", .goal))
    case "write_sensor": return .writeSensor(name: try fields.id("name", .sensor), script: try fields.body("script"))
    case "write_playbook": return .writePlaybook(body: try fields.body("body"))
    case "start_worker": return .startWorker(try worker(fields))
    case "kill_worker":
      let id = try fields.id("id", .worker)
      guard id != "pulse" else { throw fields.invalid("id must not be \"pulse\"") }
      return .killWorker(id: id, reason: try fields.optional("reason"))
    case "write_schedule":
      return .writeSchedule(
        name: try fields.id("name", .schedule), trigger: try trigger(fields), note: try fields.optional("note"))
    case "drop_schedule": return .dropSchedule(name: try fields.id("name", .schedule))
    default: throw MoveError(.invalid, "unknown action \"\(Rendering.clip(Rendering.line(name), 100))\"")
    }
  }

  private static func worker(_ fields: Fields) throws(MoveError) -> WorkerWish {
    let id = try fields.id("id", .worker)
    guard Identifier.isValidSession(id) else {
      throw fields.invalid("id \"\(id)\" must be at most 64 of A-Z a-z 0-9 . _ -")
    }
    if let reason = ReservedWorkers.reason(id) { throw fields.invalid("no worker may be called \(id): \(reason)") }
    var wish = WorkerWish(id: id, prompt: try fields.body("prompt"))
    wish.command = try fields.nonBlank("command")
    wish.verify = try fields.nonBlank("verify")
    wish.goal = try fields.nonBlank("goal")
    wish.repo = try fields.nonBlank("repo")
    wish.base = try fields.nonBlank("base")
    if let goal = wish.goal, !Identifier.isValid(goal) { throw fields.invalid("invalid goal \"\(goal)\"") }
    if let repo = wish.repo, !Identifier.isValid(repo) { throw fields.invalid("invalid repo \"\(repo)\"") }
    if wish.base != nil, wish.repo == nil { throw fields.invalid("base needs a repo") }
    return wish
  }

  private static func trigger(_ fields: Fields) throws(MoveError) -> ScheduleTrigger {
    let after = try fields.seconds("in_s")
    let every = try fields.seconds("every_s")
    switch (after, every) {
    case (let seconds?, nil):
      guard seconds > 0 else { throw fields.invalid("in_s must be more than 0") }
      return .after(seconds: seconds)
    case (nil, let seconds?):
      guard seconds >= 60 else { throw fields.invalid("every_s must be at least 60") }
      return .every(seconds: seconds)
    case (nil, nil): throw fields.invalid("needs in_s or every_s")
    case (_?, _?): throw fields.invalid("takes in_s or every_s, not both")
    }
  }

  static func kind(_ json: JSON) -> String {
    switch json {
    case .null: "null"
    case .bool: "true or false"
    case .int, .double: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// The members of one move, read with exact types.
private struct Fields {
  let json: JSON
  var action = ""

  init(json: JSON) { self.json = json }

  func invalid(_ reason: String) -> MoveError {
    MoveError(.invalid, action.isEmpty ? reason : "\(Rendering.clip(action, 40)): \(reason)")
  }

  func optional(_ key: String) throws(MoveError) -> String? {
    guard let value = json[key], !value.isNull else { return nil }
    guard let text = value.string else { throw invalid("\(key) must be a text, not \(MoveParser.kind(value))") }
    return text
  }

  func required(_ key: String) throws(MoveError) -> String {
    guard let text = try optional(key) else { throw invalid("\"\(key)\" is missing") }
    return text
  }

  /// A text that says something: an empty PLAYBOOK, goal, script or prompt would only destroy.
  func body(_ key: String) throws(MoveError) -> String {
    let text = try required(key)
    guard !text.allSatisfy(\.isWhitespace) else { throw invalid("\(key) is empty") }
    guard !text.utf8.contains(0) else { throw invalid("\(key) holds a NUL byte") }
    return text
  }

  func nonBlank(_ key: String) throws(MoveError) -> String? {
    guard let text = try optional(key), !text.allSatisfy(\.isWhitespace) else { return nil }
    guard !text.utf8.contains(0) else { throw invalid("\(key) holds a NUL byte") }
    return text
  }

  func id(_ key: String, _ kind: IdentifierKind) throws(MoveError) -> String {
    let text = try required(key)
    do throws(InvalidIdentifier) {
      try Identifier.check(text, kind)
    } catch {
      throw invalid("\(error)")
    }
    return text
  }

  func seconds(_ key: String) throws(MoveError) -> Int64? {
    guard let value = json[key], !value.isNull else { return nil }
    guard case .int(let seconds) = value, seconds >= 0 else {
      throw invalid("\(key) must be a whole number of seconds")
    }
    return seconds
  }

  /// Fails closed: a move that speaks of irreversibility in a way that we do not understand is not carried out.
  func flag(_ key: String) throws(MoveError) -> Bool {
    guard let value = json[key], !value.isNull else { return false }
    guard let flag = value.bool else { throw invalid("\(key) must be true or false") }
    return flag
  }
}
