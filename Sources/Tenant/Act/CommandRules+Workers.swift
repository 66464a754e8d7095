import SystemPackage

/// Workers that the loop starts. What an agent makes of its brief nobody can read; a brief that a shell runs is a command of the loop.
extension CommandRules {
  /// Where the brief lies, for the rules.
  private static let briefPath = "/tmp/looop-brief/prompt"
  /// A worktree of its own: what lies in it is the worker's.
  private static let worktree = "/looop-worktree"

  /// - command: the worker's own; `nil` for the configured one. That one is a human's, and is not judged itself.
  func verdict(onWorker command: String?, brief: String, inWorktree: Bool, depth: Int = 0) -> CommandVerdict {
    func starting(_ template: String, _ brief: String) -> CommandVerdict {
      var rules = self
      rules.scripts[Self.briefPath] = brief
      rules.worktree = inWorktree ? Self.worktree : nil
      return rules.verdict(
        on: PromptPlaceholder.substitute(FilePath(Self.briefPath), in: template),
        in: rules.worktree ?? dataDirectory, depth: depth)
    }
    if let command, command.contains(where: { !$0.isWhitespace }) {
      return starting(command, briefs == .human ? "" : brief)
    }
    guard case .loop(let configured?) = briefs else { return .reversible }
    let verdict = starting(configured, brief)
    return verdict.isGraver(than: starting(configured, "")) ? verdict : .reversible
  }

  private static let interpreters = [
    "python*", "perl", "ruby", "node", "php", "deno", "bun", "lua*", "tclsh", "rscript",
  ]

  /// A known file as the program, or as what an interpreter runs that nobody here can read.
  func runsKnownScript(_ words: [ShellWord], _ command: ShellCommand, _ around: Surroundings) -> CommandVerdict? {
    guard !scripts.isEmpty, let program = words.first else { return nil }
    if let script = scripts[program.text] { return judgeScript(ShellWord(script), command, around) }
    guard let operand = words.dropFirst().first(where: { !$0.text.hasPrefix("-") }), let script = scripts[operand.text],
      !script.isEmpty, Self.interpreters.contains(where: { Glob.matches($0, ProgramCall.baseName(program.text)) })
    else { return nil }
    return .irreversible("has \(program.text) run its brief, which the gate cannot read")
  }
}
