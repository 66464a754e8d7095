/// The runners that `init` knows by name: the commands that decide and that work, with the flags that let each be metered
/// and run with nobody at the keyboard.
package enum Preset: String, Sendable, CaseIterable {
  case claude, codex, opencode, pi, rules, custom

  /// `nil` for `custom`: the user says it.
  package var tickCommand: String? {
    switch self {
    case .claude: "claude -p --output-format stream-json --verbose --dangerously-skip-permissions --model sonnet"
    case .codex:
      "codex exec --json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox \"$(cat {{prompt_file}})\""
    case .opencode: "\(Self.opencodePermissions) opencode run --format json \"$(cat {{prompt_file}})\""
    case .pi: "pi -p --mode json -ne --model claude-sonnet-4-5 --thinking low @{{prompt_file}}"
    case .rules: "rules"
    case .custom: nil
    }
  }

  package var workerCommand: String? {
    switch self {
    // The setting answers a question that would otherwise stand on a screen that nobody watches.
    case .claude:
      "claude --dangerously-skip-permissions --settings '{\"skipDangerousModePermissionPrompt\":true}' --model opus \"$(cat {{prompt_file}})\""
    // No server in the background: shared by all of a user's workers, it would run their commands with the first one's environment
    // and outlive them.
    // And no question whether the folder is trusted, which a worktree would otherwise stand at.
    case .codex:
      "codex -c features.daemon_auto_start=false -c \"projects={\\\"$PWD\\\"={trust_level=\\\"trusted\\\"}}\" --dangerously-bypass-approvals-and-sandbox \"$(cat {{prompt_file}})\""
    // Its first word would be the project's directory.
    case .opencode: "\(Self.opencodePermissions) opencode --prompt \"$(cat {{prompt_file}})\""
    case .pi: "pi --model claude-opus-4-8 --thinking medium @{{prompt_file}}"
    case .rules: "bash {{prompt_file}}"
    case .custom: nil
    }
  }

  /// It asks before it leaves its directory. Its flag for this has had two names, and an older one ends at a flag that it does not know.
  private static let opencodePermissions = "OPENCODE_PERMISSION='{\"*\":\"allow\"}'"

  /// One line for a menu.
  package var summary: String {
    switch self {
    case .claude: "Claude Code, metered by its own stream"
    case .codex: "OpenAI Codex, metered by its own stream"
    case .opencode: "opencode, metered by its own stream"
    case .pi: "pi, metered by its own stream"
    case .rules: "no LLM: rules.json decides, workers are shell scripts, nothing is spent"
    case .custom: "your own two commands"
    }
  }
}
