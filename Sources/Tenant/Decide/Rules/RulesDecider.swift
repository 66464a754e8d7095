package import SystemPackage

/// One line of `rules.json`: `{"name":…,"when":…[,"unless":…],"move":{…}}`.
struct Rule: Hashable, Sendable {
  var name: String
  var when: RuleCondition
  var unless: RuleCondition?
  /// As written; its texts are templates.
  var move: JSON
}

/// The embedded decider: no LLM, no process, no cost. The first rule whose `when` holds and whose `unless` does not gives the
/// move; without one there is nothing to do. A newcomer, the demo and the tests run the whole loop with it.
package struct RulesDecider: Sendable {
  let file: String
  let rules: [Rule]

  /// More rules than this are a program, and want a program.
  static let maximumRules = 1000

  package struct Decision: Hashable, Sendable {
    /// `nil`: no rule held.
    package var rule: String?
    package var move: Move
  }

  /// An absent file is an error: a decider without rules would look like a quiet world.
  package static func load(_ path: FilePath) throws(RuleError) -> RulesDecider {
    let file = path.lastComponent?.string ?? path.string
    switch StateFile.read(path) {
    case .absent:
      throw RuleError(file: file, reason: "there is none; write a list of {\"name\", \"when\", \"move\"} to \(path)")
    case .unreadable(let error): throw RuleError(file: file, reason: error.description)
    case .corrupt(let reason): throw RuleError(file: file, reason: "it is not JSON: \(reason)")
    case .value(let json): return try RulesDecider(json: json, file: file)
    }
  }

  package init(json: JSON, file: String = "rules.json") throws(RuleError) {
    self.file = file
    guard let list = json.array else {
      throw RuleError(file: file, reason: "it must be a list of rules, not \(MoveParser.kind(json))")
    }
    guard list.count <= Self.maximumRules else {
      throw RuleError(file: file, reason: "\(list.count) rules; at most \(Self.maximumRules) are read")
    }
    var rules: [Rule] = []
    for (index, item) in list.enumerated() {
      let label =
        item["name"]?.string.map { "rule \"\(Rendering.clip(Rendering.line($0), 80))\"" } ?? "rule \(index + 1)"
      do throws(RuleFault) {
        rules.append(try Self.rule(item))
      } catch {
        throw RuleError(file: file, rule: label, reason: error.reason)
      }
    }
    if let twice = Dictionary(grouping: rules, by: \.name).first(where: { $0.value.count > 1 })?.key {
      throw RuleError(file: file, rule: "rule \"\(twice)\"", reason: "there are two of this name")
    }
    self.rules = rules
  }

  private static let keys: Set<String> = ["name", "when", "unless", "move", "comment"]

  private static func rule(_ json: JSON) throws(RuleFault) -> Rule {
    guard let members = json.object else {
      throw RuleFault(reason: "a rule is an object, not \(MoveParser.kind(json))")
    }
    if let unknown = members.keys.first(where: { !keys.contains($0) }) {
      throw RuleFault(reason: "unknown key \"\(unknown)\"; known: name, when, unless, move, comment")
    }
    guard let name = members["name"]?.string, !name.allSatisfy(\.isWhitespace) else {
      throw RuleFault(reason: "\"name\" is missing")
    }
    guard let when = members["when"] else { throw RuleFault(reason: "\"when\" is missing") }
    guard let move = members["move"], move.object != nil else { throw RuleFault(reason: "\"move\" must be an object") }
    guard let action = move["action"]?.string, actions.contains(action) else {
      throw RuleFault(reason: "\"move\" needs an \"action\", one of \(actions.joined(separator: ", "))")
    }
    return Rule(
      name: name, when: try RuleCondition(json: when),
      unless: try members["unless"].map { json throws(RuleFault) in
        try RuleCondition(json: json)
      }, move: move)
  }

  private static let actions = [
    "noop", "run_shell", "write_goal", "archive_goal", "write_sensor", "write_playbook", "start_worker", "kill_worker",
    "write_schedule", "drop_schedule",
  ]

  /// Decides. `world` maps a snapshot's stem to its value; `promptIsScript` says that a worker's prompt is run by a shell.
  package func decide(world: [String: JSON], promptIsScript: Bool) throws(RuleError) -> Decision {
    for rule in rules where rule.when.holds(in: world) && rule.unless?.holds(in: world) != true {
      do throws(RuleFault) {
        let json = try Self.render(rule.move, world, promptIsScript: promptIsScript)
        do throws(MoveError) {
          var move = try MoveParser.move(json: json)
          if move.journal == nil, case .noop(nil) = move.action { move.action = .noop(reason: "rule \(rule.name)") }
          return Decision(rule: rule.name, move: move)
        } catch {
          throw RuleFault(reason: "its move is not valid: \(error)")
        }
      } catch {
        throw RuleError(file: file, rule: "rule \"\(rule.name)\"", reason: error.reason)
      }
    }
    return Decision(rule: nil, move: Move(.noop(reason: "no rule holds")))
  }

  /// The members of a move that a shell reads.
  private static let shellKeys: Set<String> = ["cmd", "command", "verify", "script"]

  private static func render(_ move: JSON, _ world: [String: JSON], promptIsScript: Bool) throws(RuleFault) -> JSON {
    guard var members = move.object else { return move }
    for (key, value) in members {
      guard let text = value.string else { continue }
      let isShell = shellKeys.contains(key) || (key == "prompt" && promptIsScript)
      members[key] = .string(try RuleTemplate.render(text, world, isShell: isShell))
    }
    return .object(members)
  }
}
