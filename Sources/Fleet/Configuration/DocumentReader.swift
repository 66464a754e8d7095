internal import Yams

/// Reads one configuration file piece by piece and collects everything that is wrong with it, each with its line, so that an
/// operator corrects a file once and not once for each mistake.
///
/// Values are taken as they are written, not as YAML resolves them: `1e3`, `yes` or `0x10` in place of a plain number is a
/// mistake to be told, and money must not pass through floating point.
struct DocumentReader {
  let file: String
  var tenant: TenantID?
  private(set) var problems: [ConfigurationProblem] = []

  init(file: String, tenant: TenantID? = nil) {
    self.file = file
    self.tenant = tenant
  }

  /// The document's top; nil when it is no YAML (a problem is noted) or empty.
  mutating func document(_ text: String) -> Node? {
    do {
      guard let node = try Yams.compose(yaml: text) else { return nil }
      // A file of comments only is an empty scalar.
      if case .scalar(let scalar) = node, scalar.string.isEmpty { return nil }
      return node
    } catch let error as YamlError {
      note(error)
    } catch {
      problems.append(problem(line: nil, "it is no YAML: \(error)", nil))
    }
    return nil
  }

  private mutating func note(_ error: YamlError) {
    switch error {
    case .scanner(_, let what, let mark, _), .parser(_, let what, let mark, _), .composer(_, let what, let mark, _):
      let hint =
        what.contains("token") || what.contains("tab")
        ? "tabs are not allowed, and a text with `: ` or `#` in it needs quotes" : nil
      problems.append(problem(line: mark.line, "it is no YAML: \(what)", hint))
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.map { "`\($0)`" }.sorted().joined(separator: ", ")
      problems.append(problem(line: context.mark.line, "the same key twice: \(names)", "keep one of them"))
    case .reader(let what, _, _, _): problems.append(problem(line: nil, "it is no text in UTF-8: \(what)", nil))
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      problems.append(problem(line: nil, "it cannot be read as YAML", nil))
    }
  }

  mutating func refuse(_ node: Node?, _ message: String, hint: String? = nil) {
    problems.append(problem(line: node?.mark?.line, message, hint))
  }

  private func problem(line: Int?, _ message: String, _ hint: String?) -> ConfigurationProblem {
    ConfigurationProblem(file: file, line: line, message: message, hint: hint, tenant: tenant)
  }

  /// The entries of a mapping whose keys are known; each unknown one is refused with the nearest known key.
  mutating func entries(_ node: Node?, _ what: String, known: [String]) -> [String: Node] {
    var entries: [String: Node] = [:]
    for (key, name, value) in pairs(node, what) {
      guard known.contains(name) else {
        refuse(key, "unknown key `\(name)` in \(what)", hint: Self.hint(for: name, known: known))
        continue
      }
      entries[name] = value
    }
    return entries
  }

  /// The entries of a mapping whose keys are names that the operator chooses.
  mutating func pairs(_ node: Node?, _ what: String) -> [(key: Node, name: String, value: Node)] {
    guard let node, !Self.isNull(node) else { return [] }
    guard case .mapping(let mapping) = node else {
      refuse(node, "\(what) must hold `key: value` lines")
      return []
    }
    var pairs: [(key: Node, name: String, value: Node)] = []
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        refuse(key, "a key of \(what) must be a word")
        continue
      }
      pairs.append((key, scalar.string, value))
    }
    return pairs
  }

  private static func hint(for name: String, known: [String]) -> String {
    // A key in the wrong place is told its place, before any likeness of letters.
    if let place = ConfigurationKeys.place(of: name), !known.contains(name) { return "`\(name)` belongs \(place)" }
    if let near = Spelling.nearest(name, among: known) { return "did you mean `\(near)`?" }
    return "known keys: \(known.sorted().joined(separator: ", "))"
  }

  /// The word or text of a plain value.
  mutating func text(_ node: Node, _ key: String) -> String? {
    guard case .scalar(let scalar) = node, !Self.isNull(node), !scalar.string.isEmpty else {
      refuse(node, "`\(key)` needs a value")
      return nil
    }
    return scalar.string
  }

  mutating func integer(_ node: Node, _ key: String, in range: ClosedRange<Int64>, hint: String? = nil) -> Int64? {
    guard let text = text(node, key) else { return nil }
    let digits = text.filter { $0 != "_" }
    guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let value = Int64(digits),
      range.contains(value)
    else {
      let bounds =
        range.upperBound == .max ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      refuse(node, "`\(key)` must be a whole number \(bounds), not `\(text)`", hint: hint)
      return nil
    }
    return value
  }

  mutating func boolean(_ node: Node, _ key: String) -> Bool? {
    guard let text = text(node, key) else { return nil }
    switch text {
    case "true": return true
    case "false": return false
    default:
      let meant =
        ["yes", "on", "True", "TRUE"].contains(text)
        ? "true" : ["no", "off", "False", "FALSE"].contains(text) ? "false" : nil
      refuse(node, "`\(key)` must be true or false, not `\(text)`", hint: meant.map { "write `\(key): \($0)`" })
      return nil
    }
  }

  mutating func duration(_ node: Node, _ key: String, in range: ClosedRange<Duration>) -> Duration? {
    guard let text = text(node, key) else { return nil }
    guard let value = DurationText.duration(text) else {
      let hint =
        Int64(text) == nil ? "write 90s, 5m, 2h or 1d" : "a time needs a unit; did you mean `\(key): \(text)s`?"
      refuse(node, "`\(key)` must be a time, not `\(text)`", hint: hint)
      return nil
    }
    guard range.contains(value) else {
      refuse(
        node,
        "`\(key)` must lie between \(DurationText.text(range.lowerBound)) and \(DurationText.text(range.upperBound)), not `\(text)`"
      )
      return nil
    }
    return value
  }

  /// A limit that `none` lifts.
  mutating func limit<Value>(
    _ node: Node, _ key: String, _ form: String, hint: (String) -> String? = { _ in nil }, _ parse: (String) -> Value?
  ) -> LimitSetting<Value> {
    if case .scalar(let scalar) = node, scalar.string == "none" || Self.isNull(node) { return .none }
    guard let text = text(node, key) else { return .unset }
    guard let value = parse(text) else {
      refuse(node, "`\(key)` must be \(form) or `none`, not `\(text)`", hint: hint(text))
      return .unset
    }
    return .value(value)
  }

  /// Words, written as a list or as one word.
  mutating func words(_ node: Node, _ key: String) -> [(node: Node, text: String)] {
    if case .sequence(let sequence) = node {
      return sequence.compactMap { item in text(item, key).map { (item, $0) } }
    }
    return text(node, key).map { [(node, $0)] } ?? []
  }

  static func isNull(_ node: Node) -> Bool {
    guard case .scalar(let scalar) = node else { return false }
    let isPlain = scalar.style == .plain || scalar.style == .any
    return isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }
}

/// Every key and where it stands, for hints.
enum ConfigurationKeys {
  static let top = ["fleet", "defaults"]
  static let fleet = [
    "max_beats", "max_decides", "max_workers", "budget", "time_zone", "grace", "require", "hooks", "disk_free_min",
    "port_range", "prices", "meter_every",
  ]
  static let hooks = ["ask", "webhook", "reminders"]
  static let settings = [
    "user", "interval", "weight", "time_zone", "budget", "workers", "total", "sandboxes", "paused", "landlock",
    "environment", "readable", "writable",
  ]
  static let tenant = ["data_dir", "repos", "runner_home"] + settings
  static let budget = ["usd_per_day", "tokens_per_day", "decides_per_day"]
  static let workers = ["max", "memory_max", "cpu", "pids_max", "bubblewrap"]
  static let total = ["memory_max", "cpu", "pids_max", "disk_max"]
  static let sandboxes = [
    "disk_max", "setup", "teardown", "setup_timeout", "include", "ports", "warm_pool", "keep", "keep_failed", "private",
  ]

  /// Where a key that is known elsewhere belongs.
  static func place(of key: String) -> String? {
    if budget.contains(key) { return "below `budget:`" }
    if workers.contains(key) { return "below `workers:`" }
    if sandboxes.contains(key) { return "below `sandboxes:`" }
    if hooks.contains(key) { return "below `fleet: hooks:`" }
    if ["data_dir", "repos", "runner_home"].contains(key) { return "in a tenant's own file, tenants.d/NAME.yaml" }
    if fleet.contains(key), !settings.contains(key) { return "below `fleet:` in fleet.yaml" }
    if settings.contains(key) { return "in a tenant's file or below `defaults:`" }
    return nil
  }
}
