/// One row of the table of irreversible commands.
package struct CommandRule: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// `path` must be how the positional words begin (`**` = anything before).
    case exact
    /// A tenant's own: its words must occur among the command's in this order, whatever stands between.
    case loose
  }

  package var kind: Kind
  /// Globs on the program's base name.
  package var programs: [String]
  package var path: [String]
  /// One of these options must be there; empty = none needed.
  package var needs: [String]
  /// None of these may be there.
  package var unless: [String]
  package var why: String

  /// `programs` and the alternatives of each word are separated by `|`.
  init(_ programs: String, _ path: String = "", needs: String = "", unless: String = "", why: String) {
    kind = .exact
    self.programs = programs.split(separator: "|").map(String.init)
    self.path = path.split(separator: " ").map(String.init)
    self.needs = needs.split(separator: " ").map(String.init)
    self.unless = unless.split(separator: " ").map(String.init)
    self.why = why
  }

  /// A tenant's own row, of config.json: `{"match": "make ship*", "why": "…"}`, a program and words that follow it.
  package init?(match: String, why: String) {
    let words = match.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let program = words.first else { return nil }
    kind = .loose
    // As the commands' programs are compared: whatever path it is called by.
    programs = [ProgramCall.baseName(program)]
    path = Array(words.dropFirst())
    needs = []
    unless = []
    self.why = why.isEmpty ? "\(match) is on this tenant's list" : why
  }

  /// The rows of `irreversible` in a config, and what is wrong with the others.
  package static func rows(of config: JSON) -> (rows: [CommandRule], problems: [String]) {
    guard let list = config["irreversible"] else { return ([], []) }
    guard let entries = list.array else { return ([], ["irreversible in the config is not a list"]) }
    var rows: [CommandRule] = []
    var problems: [String] = []
    for (index, entry) in entries.enumerated() {
      if let match = entry["match"]?.string, let row = CommandRule(match: match, why: entry["why"]?.string ?? "") {
        rows.append(row)
      } else {
        problems.append("irreversible[\(index)] in the config has no \"match\"")
      }
    }
    return (rows, problems)
  }

  func matches(_ call: ProgramCall) -> Bool {
    guard programs.contains(where: { Glob.matches($0, call.program) }) else { return false }
    switch kind {
    case .loose:
      var rest = call.arguments.map(\.text)[...]
      for word in path {
        guard let index = rest.firstIndex(where: { Glob.matches(word, $0) }) else { return false }
        rest = rest[(index + 1)...]
      }
      return true
    case .exact:
      if call.isRehearsal { return false }
      if !needs.isEmpty, !needs.contains(where: call.has) { return false }
      if unless.contains(where: call.has) { return false }
      return Self.begins(call, at: 0, path[...])
    }
  }

  /// A word that may be an unknown option's value is also left out.
  private static func begins(_ call: ProgramCall, at index: Int, _ path: ArraySlice<String>) -> Bool {
    guard let head = path.first else { return true }
    if head == "**" {
      return call.positionals.indices.dropFirst(index).contains { begins(call, at: $0, path.dropFirst()) }
    }
    guard index < call.positionals.count else { return false }
    let word = call.positionals[index].text
    if head.split(separator: "|").contains(where: { Glob.matches(String($0), word) }),
      begins(call, at: index + 1, path.dropFirst())
    {
      return true
    }
    return call.doubtful.contains(index) && begins(call, at: index + 1, path)
  }
}
