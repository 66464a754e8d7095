package import SystemPackage

/// One line of a tenant's own list of irreversible commands: `{"match":…,"why":…}`. `match` is a program, by its base name and whatever its
/// case, and words that its arguments hold in this order; `*` stands for any characters.
package struct IrreversibleExtension: Hashable, Sendable {
  package var match: String
  package var why: String

  package init(match: String, why: String) {
    self.match = match
    self.why = why
  }
}

/// `config.json`: which runner decides, which one works, and this tenant's own limits. The record as read is kept whole, so
/// that a rewrite loses no key, whoever wrote it.
///
/// Shape: `{"tick_command":…,"worker_command":…[,"interval"][,"max_next_interval"][,"session_ttl"][,"max_daily_usd"]
/// [,"unmetered_usd"][,"irreversible":[{"match","why"}]]}`; the old keys `tick` and `interactive` are understood.
package struct RunnerConfig: Hashable, Sendable {
  package var tickCommand: String?
  package var workerCommand: String?
  /// Seconds between beats.
  package var interval: Double?
  package var maxNextInterval: Int64?
  package var sessionTTL: Int64?
  package var maxDailyUSD: Double?
  /// What a run without any figures is charged; an upper bound that the tenant knows better than we do.
  package var unmeteredUSD: Double?
  package var irreversible: [IrreversibleExtension]
  /// The record as read; fields that are not ours survive in it.
  package var raw: JSON

  package init(tickCommand: String?, workerCommand: String?) {
    self.tickCommand = tickCommand
    self.workerCommand = workerCommand
    irreversible = []
    raw = .object([:])
  }

  /// The four answers of a look at the file, kept apart: only `absent` may fall back to a default.
  package enum Reading: Hashable, Sendable {
    case absent
    case unreadable(String)
    case corrupt(String)
    case value(RunnerConfig)

    /// For who needs no reason: the beat itself says what is wrong with a file.
    package var value: RunnerConfig? { if case .value(let config) = self { config } else { nil } }
  }

  /// `$LOOOP_CONFIG`, else the data dir's `config.json`.
  package static func path(_ data: DataDir, _ environment: HostEnvironment) -> FilePath {
    environment["LOOOP_CONFIG"].map { FilePath($0) } ?? data.root.appending("config.json")
  }

  package static func read(_ data: DataDir, _ environment: HostEnvironment) -> Reading {
    read(path(data, environment))
  }

  package static func read(_ path: FilePath) -> Reading {
    switch StateFile.read(path) {
    case .absent: return .absent
    case .unreadable(let error): return .unreadable(error.description)
    case .corrupt(let reason): return .corrupt("\(path) is not JSON: \(reason)")
    case .value(let json):
      do throws(ConfigError) {
        return .value(try RunnerConfig(json: json))
      } catch {
        return .corrupt("\(path): \(error.reason)")
      }
    }
  }

  /// What is in force: the file, or where there is none, the default runner.
  package static func load(_ data: DataDir, _ environment: HostEnvironment) throws(ConfigError) -> RunnerConfig {
    switch read(data, environment) {
    case .absent: RunnerConfig(Preset.claude)
    case .unreadable(let reason), .corrupt(let reason): throw ConfigError(reason: reason)
    case .value(let config): config
    }
  }

  package init(_ preset: Preset) {
    self.init(tickCommand: preset.tickCommand, workerCommand: preset.workerCommand)
  }

  package init(json: JSON) throws(ConfigError) {
    guard json.object != nil else { throw ConfigError(reason: "the configuration must be an object") }
    raw = json
    tickCommand = try Self.command(json, "tick_command", legacy: "tick")
    workerCommand = try Self.command(json, "worker_command", legacy: "interactive")
    interval = try Self.number(json, "interval")
    maxNextInterval = try Self.number(json, "max_next_interval").map(Self.seconds)
    sessionTTL = try Self.number(json, "session_ttl").map(Self.seconds)
    maxDailyUSD = try Self.number(json, "max_daily_usd")
    unmeteredUSD = try Self.number(json, "unmetered_usd")
    irreversible = try Self.extensions(json)
  }

  /// The record to write: what was read, with the two commands set and their old spellings gone.
  package var json: JSON {
    var json = raw.object == nil ? JSON.object([:]) : raw
    json["tick_command"] = tickCommand.map(JSON.string)
    json["worker_command"] = workerCommand.map(JSON.string)
    json["tick"] = nil
    json["interactive"] = nil
    return json
  }

  package func write(to path: FilePath) throws(HostError) {
    try StateFile.write(json, to: path)
  }

  /// The session's age at which its remains are removed: environment, then configuration, then three days.
  package func sessionTTL(_ environment: HostEnvironment) -> Int64 {
    var warnings: [String] = []
    return environment.number("LOOOP_SESSION_TTL", warnings: &warnings).map { Int64($0) } ?? sessionTTL ?? 259_200
  }

  private static func seconds(_ value: Double) -> Int64 { Int64(max(0, min(value, 1e12))) }

  private static func command(_ json: JSON, _ key: String, legacy: String) throws(ConfigError) -> String? {
    guard let value = json[key] ?? json[legacy], !value.isNull else { return nil }
    guard let text = value.string else { throw ConfigError(reason: "\(key) must be a string") }
    let command = withoutFormatter(text)
    return command.allSatisfy(\.isWhitespace) ? nil : command
  }

  private static func number(_ json: JSON, _ key: String) throws(ConfigError) -> Double? {
    guard let value = json[key], !value.isNull else { return nil }
    guard let number = value.double else { throw ConfigError(reason: "\(key) must be a number") }
    return number
  }

  private static func extensions(_ json: JSON) throws(ConfigError) -> [IrreversibleExtension] {
    guard let value = json["irreversible"], !value.isNull else { return [] }
    guard let list = value.array else { throw ConfigError(reason: "irreversible must be a list") }
    var rules: [IrreversibleExtension] = []
    for (index, item) in list.enumerated() {
      guard let match = item["match"]?.string, !match.isEmpty else {
        throw ConfigError(
          reason: "irreversible[\(index)] needs a \"match\" (a program, and words that follow it in a command)")
      }
      rules.append(IrreversibleExtension(match: match, why: item["why"]?.string ?? "this tenant's own rule"))
    }
    return rules
  }

  /// Old configurations piped the runner through `<looop> _ fmt`, which is no more: that tail is dropped.
  static func withoutFormatter(_ command: String) -> String {
    guard let bar = command.lastIndex(of: "|") else { return command }
    let words = command[command.index(after: bar)...].split(whereSeparator: \.isWhitespace)
    guard words.count == 3, words[1] == "_", words[2] == "fmt" else { return command }
    var head = command[..<bar]
    while head.last?.isWhitespace == true { head.removeLast() }
    return String(head)
  }
}

/// Why a configuration cannot be used, in words.
package struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
  package var reason: String
  package init(reason: String) { self.reason = reason }
  package var description: String { reason }
}
