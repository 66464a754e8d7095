/// Tools of a language or of a secrets store that run another command: `uv run twine upload`, `yarn workspace web npm publish`.
extension CommandRules {
  /// Program → the words after which a command follows, and how many words stand between.
  private static let runners: [String: [(path: [String], operands: Int)]] = [
    "uv": [(["run"], 0), (["tool", "run"], 0)], "uvx": [([], 0)], "pipx": [(["run"], 0)],
    "poetry": [(["run"], 0)], "pdm": [(["run"], 0)], "hatch": [(["run"], 0)], "rye": [(["run"], 0)],
    "pipenv": [(["run"], 0)], "conda": [(["run"], 0)], "pixi": [(["run"], 0)],
    "npx": [([], 0)], "bunx": [([], 0)], "pnpx": [([], 0)],
    "npm": [(["exec"], 0), (["x"], 0)], "pnpm": [(["exec"], 0), (["dlx"], 0)],
    "yarn": [(["exec"], 0), (["dlx"], 0)], "bun": [(["x"], 0)],
    "bundle": [(["exec"], 0)], "mise": [(["exec"], 0), (["x"], 0)], "asdf": [(["exec"], 0)], "direnv": [(["exec"], 1)],
    "doppler": [(["run"], 0)], "op": [(["run"], 0)], "aws-vault": [(["exec"], 1)], "dotenv": [([], 0)],
    "sops": [(["exec-env"], 1)], "infisical": [(["run"], 0)], "nix": [(["develop"], 0), (["shell"], 0)],
  ]
  /// These run the same program in a part of the project.
  private static let workspaces: [(path: [String], operands: Int)] = [
    (["workspace"], 1), (["workspaces", "foreach"], 0),
  ]

  /// `nil` where it is none of these, or runs nothing that must wait: its own rows still count.
  func unwrapRunner(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict? {
    var verdict = CommandVerdict.reversible
    for runner in Self.runners[call.program] ?? [] {
      for words in Self.commands(in: call.arguments[...], after: runner.path, operands: runner.operands) {
        verdict = verdict.worse(nested(words, call, around))
      }
    }
    if call.program == "yarn" {
      for workspace in Self.workspaces {
        for words in Self.commands(in: call.arguments[...], after: workspace.path, operands: workspace.operands) {
          verdict = verdict.worse(nested([ShellWord("yarn")] + words, call, around))
        }
      }
    }
    return verdict == .reversible ? nil : verdict
  }

  /// What may be the command: it stands behind the options, of which each may take a value.
  private static func commands(
    in arguments: ArraySlice<ShellWord>, after path: [String], operands: Int
  ) -> [[ShellWord]] {
    var rest = arguments
    for word in path {
      var isValue = false
      while let option = rest.first, option.text != word, option.text.hasPrefix("-") || isValue {
        isValue = option.text.hasPrefix("-") && !option.text.contains("=")
        rest = rest.dropFirst()
      }
      guard rest.first?.text == word else { return [] }
      rest = rest.dropFirst()
    }
    var operands = operands
    var commands: [[ShellWord]] = []
    var isBehindOption = false
    while let word = rest.first {
      if word.text == "--" {
        rest = rest.dropFirst()
        break
      } else if word.text.hasPrefix("-"), word.text.count > 1 {
        isBehindOption = !word.text.contains("=")
      } else if isBehindOption {
        if operands == 0 { commands.append(Array(rest)) }
        isBehindOption = false
      } else if operands > 0 {
        operands -= 1
      } else {
        break
      }
      rest = rest.dropFirst()
    }
    return rest.isEmpty ? commands : commands + [Array(rest)]
  }
}
