/// A condition on the snapshots: `{"snapshot":"sensor-x","path":"signal.ok","equals":false}`, or `{"all":[…]}`, `{"any":[…]}`,
/// `{"not":…}`.
///
/// What is not there satisfies nothing but `"exists": false`: a sensor that failed must not look like a world in which something
/// has happened. With `*` in a path, one matching element is enough.
indirect enum RuleCondition: Hashable, Sendable {
  case all([RuleCondition])
  case any([RuleCondition])
  case not(RuleCondition)
  case test(snapshot: String, path: SnapshotPath, RuleTest)

  func holds(in world: [String: JSON]) -> Bool {
    switch self {
    case .all(let conditions): conditions.allSatisfy { $0.holds(in: world) }
    case .any(let conditions): conditions.contains { $0.holds(in: world) }
    case .not(let condition): !condition.holds(in: world)
    case .test(let snapshot, let path, let test): test.holds(for: world[snapshot].map(path.values) ?? [])
    }
  }
}

enum RuleTest: Hashable, Sendable {
  case equals(JSON)
  case notEquals(JSON)
  case exists(Bool)
  case greater(Double)
  case less(Double)
  case matches(String)
  case contains(JSON)

  static let names = ["equals", "not_equals", "exists", "gt", "lt", "matches", "contains"]

  func holds(for values: [JSON]) -> Bool {
    switch self {
    case .exists(let wanted): values.contains { !$0.isNull } == wanted
    case .equals(let wanted): values.contains { Self.same($0, wanted) }
    case .notEquals(let wanted): !values.isEmpty && !values.contains { Self.same($0, wanted) }
    case .greater(let bound): values.contains { ($0.double).map { $0 > bound } ?? false }
    case .less(let bound): values.contains { ($0.double).map { $0 < bound } ?? false }
    case .matches(let expression):
      Pattern(expression).map { pattern in
        values.contains { value in (value.string ?? Self.plain(value)).map(pattern.matches) ?? false }
      } ?? false
    case .contains(let wanted): values.contains { Self.contains($0, wanted) }
    }
  }

  /// 1 and 1.0 are the same number.
  private static func same(_ a: JSON, _ b: JSON) -> Bool {
    if let x = a.double, let y = b.double { return x == y }
    return a == b
  }

  private static func plain(_ value: JSON) -> String? {
    switch value {
    case .bool, .int, .double: value.compact
    case .null, .string, .array, .object: nil
    }
  }

  private static func contains(_ value: JSON, _ wanted: JSON) -> Bool {
    switch value {
    case .array(let elements): return elements.contains { same($0, wanted) }
    case .object(let members): return wanted.string.map { members[$0] != nil } ?? false
    case .string(let text):
      guard let part = wanted.string else { return false }
      return part.isEmpty || text.firstRange(ofText: part) != nil
    case .null, .bool, .int, .double: return false
    }
  }
}

extension RuleCondition {
  /// Deeper than any rule that a person can read.
  private static let maximumDepth = 32

  init(json: JSON, depth: Int = 0) throws(RuleFault) {
    guard depth < Self.maximumDepth else { throw RuleFault(reason: "the condition nests too deeply") }
    guard let members = json.object else {
      throw RuleFault(reason: "a condition is an object, not \(MoveParser.kind(json))")
    }
    if let key = ["all", "any", "not"].first(where: { members[$0] != nil }) {
      guard members.count == 1, let value = members[key] else {
        throw RuleFault(reason: "\"\(key)\" stands alone in its condition")
      }
      if key == "not" {
        self = .not(try RuleCondition(json: value, depth: depth + 1))
        return
      }
      guard let list = value.array else { throw RuleFault(reason: "\"\(key)\" needs a list of conditions") }
      var conditions: [RuleCondition] = []
      for item in list { conditions.append(try RuleCondition(json: item, depth: depth + 1)) }
      self = key == "all" ? .all(conditions) : .any(conditions)
      return
    }
    self = try Self.test(members)
  }

  private static func test(_ members: JSONMembers) throws(RuleFault) -> RuleCondition {
    guard let snapshot = members["snapshot"]?.string, !snapshot.isEmpty else {
      throw RuleFault(reason: "a condition needs \"snapshot\" (such as \"sensor-ci\"), \"all\", \"any\" or \"not\"")
    }
    var path = try SnapshotPath("")
    if let value = members["path"] {
      guard let text = value.string else { throw RuleFault(reason: "\"path\" must be a text") }
      path = try SnapshotPath(text)
    }
    let operators = members.keys.filter { $0 != "snapshot" && $0 != "path" }
    guard operators.count == 1, let name = operators.first, let operand = members[name] else {
      let found = operators.isEmpty ? "none" : operators.joined(separator: ", ")
      throw RuleFault(
        reason: "a condition needs exactly one of \(RuleTest.names.joined(separator: ", ")); found: \(found)")
    }
    return .test(snapshot: snapshot, path: path, try RuleTest(name, operand))
  }
}

extension RuleTest {
  init(_ name: String, _ operand: JSON) throws(RuleFault) {
    switch name {
    case "equals": self = .equals(operand)
    case "not_equals": self = .notEquals(operand)
    case "contains": self = .contains(operand)
    case "exists":
      guard let flag = operand.bool else { throw RuleFault(reason: "\"exists\" must be true or false") }
      self = .exists(flag)
    case "gt", "lt":
      guard let bound = operand.double else { throw RuleFault(reason: "\"\(name)\" must be a number") }
      self = name == "gt" ? .greater(bound) : .less(bound)
    case "matches":
      guard let text = operand.string, Pattern(text) != nil else {
        throw RuleFault(reason: "\"matches\" must be an extended regular expression")
      }
      self = .matches(text)
    default:
      throw RuleFault(reason: "unknown condition \"\(name)\"; known: \(RuleTest.names.joined(separator: ", "))")
    }
  }
}
