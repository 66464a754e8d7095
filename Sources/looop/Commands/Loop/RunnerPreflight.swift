import Glibc
import SystemPackage
import Tenant

/// Whether the programs that the two commands call are there: said before something starts, not in a log that nobody reads.
enum RunnerPreflight {
  static func check(_ context: Context) throws(Failure) {
    let config: RunnerConfig
    do {
      config = try RunnerConfig.load(context.data, context.environment)
    } catch {
      throw Failure("\(error)", hint: "repair \(context.config), or run `looop init`")
    }
    var missing: [String] = []
    for (name, command) in [("tick_command", config.tickCommand), ("worker_command", config.workerCommand)] {
      guard let command, let program = program(of: command), !(name == "tick_command" && command.trimmed == "rules"),
        !isExecutable(program, path: context.environment["PATH"] ?? "/usr/bin:/bin")
      else { continue }
      let line = "\(program) (\(name))"
      if !missing.contains(line) { missing.append(line) }
    }
    guard !missing.isEmpty else { return }
    let hints = missing.compactMap { line in installation.first { line.hasPrefix($0.key + " ") }?.value }
    throw Failure(
      "not installed: \(missing.joined(separator: ", "))",
      hint: (hints.isEmpty ? "install it" : Set(hints).sorted().joined(separator: "; "))
        + ", or choose another runner with `looop init`")
  }

  /// The program that a command starts; `nil` where only a shell could tell.
  static func program(of command: String) -> String? {
    let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let word = words.first(where: { !isAssignment($0) }) else { return nil }
    if word.contains("$") || word.contains("\\") { return nil }
    var bare = word[...]
    if let quote = word.first, quote == "'" || quote == "\"" {
      guard word.count > 2, word.last == quote else { return nil }
      bare = word.dropFirst().dropLast()
    }
    if bare.contains("'") || bare.contains("\"") || bare.isEmpty { return nil }
    return String(bare)
  }

  private static func isAssignment(_ word: String) -> Bool {
    guard let equals = word.firstIndex(of: "="), let first = word.first,
      first == "_" || (first.isASCII && first.isLetter)
    else { return false }
    return word[..<equals].allSatisfy { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
  }

  static func isExecutable(_ program: String, path: String) -> Bool {
    if program.contains("/") { return access(program, X_OK) == 0 }
    if builtins.contains(program) { return true }
    return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
  }

  /// What bash knows without a file.
  private static let builtins: Set<String> = [
    "cd", "exec", "eval", "source", ".", "if", "for", "while", "case", "{", "(", "true", "false", "echo", "printf",
    "test",
    "[", "[[", "export", "set", "command", "time", "!", "until", "trap", "umask", "ulimit", "read",
  ]

  private static let installation = [
    "claude": "claude: npm install -g @anthropic-ai/claude-code",
    "codex": "codex: npm install -g @openai/codex",
    "opencode": "opencode: npm install -g opencode-ai",
    "pi": "pi: npm install -g @mariozechner/pi-coding-agent",
  ]
}
