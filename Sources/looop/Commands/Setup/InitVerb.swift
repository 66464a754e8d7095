import ArgumentParser
import Glibc
import SystemPackage
import Tenant

/// `init`: which runner decides and which one works, into `config.json`; then the data dir's first files.
struct InitVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Choose the runner; required before `up`.",
    discussion: """
      In a terminal it asks. With --runner it does not: claude, codex, opencode, pi, rules (no LLM) or custom.
      Keys of config.json that it does not know stay as they are.
      """)

  @Option(
    help: "The runner: \(Preset.allCases.map(\.rawValue).joined(separator: ", ")).",
    completion: .list(Preset.allCases.map(\.rawValue)))
  var runner: String?
  @Option(help: "The command that decides; the prompt is {{prompt_file}}, else standard input.") var tickCommand:
    String?
  @Option(help: "The command that works; it must hold {{prompt_file}}.") var workerCommand: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try SessionStart.checkPath(context.data, id: Session.pulse)
    var config = try existing(context)
    let label: String
    if let runner {
      guard let preset = Preset(rawValue: runner) else {
        throw Failure(
          "no runner \"\(runner)\"", hint: "one of \(Preset.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      try apply(preset, to: &config)
      label = runner
    } else if tickCommand != nil || workerCommand != nil {
      try apply(.custom, to: &config)
      label = Preset.custom.rawValue
    } else if isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 {
      guard let choice = try InitDialogue(current: config).run() else {
        context.printer.error("aborted (no config written).")
        return ExitStatus.aborted
      }
      config.tickCommand = choice.tick
      config.workerCommand = choice.worker
      label = choice.preset.rawValue
    } else {
      context.printer.error("looop: no terminal: keeping the commands that are configured, or the default ones")
      config.tickCommand = config.tickCommand ?? Preset.claude.tickCommand
      config.workerCommand = config.workerCommand ?? Preset.claude.workerCommand
      label = Self.preset(of: config).rawValue
    }
    try Self.check(config)
    try write(config, context)
    context.printer.line("Wrote \(context.config) (runner: \(label)).")
    context.printer.line(Self.nextSteps(context, config))
    return ExitStatus.done
  }

  /// What is configured now. A file that cannot be read is not overwritten.
  private func existing(_ context: Context) throws(Failure) -> RunnerConfig {
    switch RunnerConfig.read(context.config) {
    case .absent: return RunnerConfig(tickCommand: nil, workerCommand: nil)
    case .value(let config): return config
    case .unreadable(let reason): throw Failure(reason)
    case .corrupt(let reason):
      throw Failure(reason, hint: "repair it or move it away; init does not overwrite what it cannot read")
    }
  }

  private func apply(_ preset: Preset, to config: inout RunnerConfig) throws(Failure) {
    config.tickCommand = tickCommand ?? preset.tickCommand ?? config.tickCommand
    config.workerCommand = workerCommand ?? preset.workerCommand ?? config.workerCommand
    guard config.tickCommand != nil, config.workerCommand != nil else {
      throw Failure(
        "the runner \(preset.rawValue) needs both commands",
        hint: "looop init --runner custom --tick-command C --worker-command C")
    }
  }

  static func check(_ config: RunnerConfig) throws(Failure) {
    guard config.tickCommand?.trimmed.isEmpty == false else { throw Failure("the tick command is empty") }
    guard config.workerCommand?.contains(InitDialogue.placeholder) == true else {
      throw Failure(
        "the worker command has no \(InitDialogue.placeholder)",
        hint: "that is where a worker finds what it should do, e.g. my-agent \"$(cat \(InitDialogue.placeholder))\"")
    }
  }

  static func preset(of config: RunnerConfig) -> Preset {
    Preset.allCases.first { $0.tickCommand == config.tickCommand && $0.workerCommand == config.workerCommand }
      ?? .custom
  }

  private func write(_ config: RunnerConfig, _ context: Context) throws {
    try Directory.create(context.config.removingLastComponent())
    try config.write(to: context.config)
    try Seeding.strict(context)
    if config.tickCommand == Preset.rules.tickCommand {
      _ = try AtomicFile.create(Array(StarterRules.text.utf8), at: context.data.rules)
    }
  }

  private static func nextSteps(_ context: Context, _ config: RunnerConfig) -> String {
    let rules =
      config.tickCommand == Preset.rules.tickCommand ? "\n  \(context.data.rules)    the rules that decide" : ""
    // A fleet has started it already, and is asked about it in its own words.
    if FileReading.of(context.data.fleetMark) != .absent {
      return "\nA fleet runs this loop: the next beat decides with it (looop-fleet status, looop-fleet asks).\(rules)"
    }
    return """

      Next:
        looop up                    start the loop
        looop wait --only-asks      block until it needs you
        looop asks                  what it asks; the first ask is about your goals
        looop watch                 look at it\(rules)
      """
  }
}

/// The rules that `init --runner rules` starts with: one that shows the shape and does no harm.
enum StarterRules {
  static let text = """
    [
      {
        "name": "a new day",
        "when": { "snapshot": "sensor-today", "path": "date", "exists": true },
        "move": { "action": "noop", "reason": "nothing to do yet: edit rules.json" }
      }
    ]

    """
}
