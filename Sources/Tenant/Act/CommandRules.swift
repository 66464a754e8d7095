package import SystemPackage

/// What may be done about a command.
package enum CommandVerdict: Hashable, Sendable {
  case reversible
  case irreversible(String)
  case forbidden(String)

  /// The graver of two; of two equally grave ones the first.
  func worse(_ other: CommandVerdict) -> CommandVerdict { other.isGraver(than: self) ? other : self }

  func isGraver(than other: CommandVerdict) -> Bool { gravity > other.gravity }

  private var gravity: Int {
    switch self {
    case .reversible: 0
    case .irreversible: 1
    case .forbidden: 2
    }
  }
}

/// Says of a shell text whether it can be taken back. Pure: it reads the text, never the disk. It is a gate against a well-meaning
/// loop's mistakes, not a wall against a hostile one (that is what users and sandboxes are for): what it cannot read, it
/// holds to be irreversible.
package struct CommandRules: Sendable {
  package enum Leniency: Hashable, Sendable {
    case none
    /// A sensor's script: it may ask an API by POST (GraphQL), and write and tidy away files whose names only the run will know.
    case sensor
  }

  /// Who writes what workers are told to do.
  package enum Briefs: Hashable, Sendable {
    /// A human, in rules.json.
    case human
    /// The loop; `command` is what starts a worker that names no command.
    case loop(command: String?)
  }

  /// A tenant's own rows, beside ``table``.
  package var rows: [CommandRule]
  /// DATA: the loop may delete in it, and in `/tmp`.
  package var dataDirectory: String
  /// What is known of the environment: name → value.
  package var environment: [String: String]
  package var briefs = Briefs.loop(command: nil)
  /// Files whose text is known: path → text.
  var scripts: [String: String] = [:]
  /// A worker's own, beside DATA.
  var worktree: String?

  package init(dataDirectory: FilePath, rows: [CommandRule] = []) {
    self.rows = rows
    self.dataDirectory = LexicalPath.normalized(dataDirectory.string)
    environment = ["LOOOP_BIN": "looop", "LOOOP_DATA_DIR": self.dataDirectory, "TMPDIR": "/tmp"]
  }

  package func verdict(on text: String, leniency: Leniency = .none) -> CommandVerdict {
    verdict(on: text, in: dataDirectory, leniency: leniency)
  }

  func verdict(
    on text: String, in directory: String, leniency: Leniency = .none, depth: Int = 0
  ) -> CommandVerdict {
    let variables = environment.mapValues { ShellWord($0) }
    return judge(
      text,
      Surroundings(directory: directory, variables: variables, depth: depth, isRemote: false, leniency: leniency))
  }

  /// Where a text runs.
  struct Surroundings {
    var directory: String?
    var variables: [String: ShellWord]
    var depth: Int
    /// On another machine or in a container: our directories mean nothing there.
    var isRemote: Bool
    var leniency: Leniency
    /// An earlier command of the text downloads something.
    var hasFetched = false
    /// The standard input of the text as a whole, where that is known; its commands have it unless they have one of their own.
    var input: String?
    /// That input is another command's output.
    var readsPipe = false
  }

  func judge(_ text: String, _ around: Surroundings) -> CommandVerdict {
    var reader = ShellReader(text, variables: around.variables, directory: around.directory, depth: around.depth)
    reader.read()
    var around = around
    var verdict = CommandVerdict.reversible
    if let reason = reader.unreadable { verdict = .irreversible("the gate cannot read this command: \(reason)") }
    for var command in reader.commands {
      if command.input == nil, !command.readsPipe, !command.redirections.contains(where: { $0.kind == "<" }) {
        command.input = around.input
        command.readsPipe = around.readsPipe
      }
      around.directory = command.directory
      around.variables = command.variables
      verdict = verdict.worse(judge(command.words, command, around))
      verdict = verdict.worse(redirections(of: command, around))
      if command.words.contains(where: { ShellReader.fetchers.contains(ProgramCall.baseName($0.text)) }) {
        around.hasFetched = true
      }
    }
    return verdict
  }

  /// One simple command, after whatever starts it (`env`, `timeout`, `xargs` …) was taken off.
  func judge(_ words: [ShellWord], _ command: ShellCommand, _ around: Surroundings) -> CommandVerdict {
    guard around.depth < ShellReader.maximumDepth else { return .irreversible("it is nested too deeply") }
    guard let program = words.first else { return .reversible }
    guard !program.isDynamic else {
      return .irreversible("which program \(program.text) is, only the run will know")
    }
    if let verdict = runsKnownScript(words, command, around) { return verdict }
    let call = ProgramCall(words, command)
    if let verdict = forbidden(call, around) { return verdict }
    // A tenant's own rows also count for programs that run others.
    let own = rows.first { $0.matches(call) }.map { CommandVerdict.irreversible($0.why) } ?? .reversible
    if let verdict = unwrapped(call, around) { return own.worse(verdict) }
    if let why = special(call, around) ?? overwriting(call, around) { return own.worse(.irreversible(why)) }
    return own.worse(Self.table.first { $0.matches(call) }.map { .irreversible($0.why) } ?? .reversible)
  }

  func judgeScript(
    _ word: ShellWord, _ command: ShellCommand, _ around: Surroundings, isRemote: Bool = false
  )
    -> CommandVerdict
  {
    if word.isDynamic, word.fetches { return .forbidden("runs what it downloads") }
    // A script that is known but for some values is read; one that is a value is not.
    if word.isDynamic, word.text.hasPrefix("$") {
      return .irreversible("runs \(word.text), which only the run will know")
    }
    var inner = around
    inner.depth += 1
    inner.isRemote = around.isRemote || isRemote
    inner.variables = command.variables
    inner.input = command.input
    inner.readsPipe = command.readsPipe
    if inner.isRemote { inner.directory = nil }
    return judge(word.text, inner)
  }
}

extension ProgramCall {
  static func baseName(_ text: String) -> String {
    (text.split(separator: "/").last.map(String.init) ?? text).lowercased()
  }
}
