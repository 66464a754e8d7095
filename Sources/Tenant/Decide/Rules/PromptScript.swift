/// Whether a worker's command has a shell run the prompt, as the `rules` preset does: then the prompt is a script, what a rule puts into it is
/// quoted, and no model is paid for. In doubt it is not.
enum PromptScript {
  private static let shells: Set<String> = ["bash", "sh", "dash", "zsh", "ksh", "ash"]
  /// Programs that only start another.
  private static let wrappers: Set<String> = ["env", "exec", "nice", "ionice", "nohup", "setsid", "stdbuf", "timeout"]
  /// Options of a shell that take the next word.
  private static let valued: Set<String> = ["-o", "+o", "-O", "+O", "--rcfile", "--init-file"]

  /// `bash {{prompt_file}}`, behind what only starts it (`timeout 60 bash -e …`), also as its input; and nothing else beside it.
  static func isRun(by workerCommand: String) -> Bool {
    guard !workerCommand.contains(where: { ";&|`$()\n".contains($0) }) else { return false }
    let words = workerCommand.split(whereSeparator: { $0.isWhitespace || $0 == "<" }).map(String.init)
    guard let last = words.last, last.trimmed(of: "\"'") == PromptPlaceholder.text,
      let shell = words.dropLast().lastIndex(where: { shells.contains(String($0.split(separator: "/").last ?? "")) }),
      words[..<shell].allSatisfy(startsAnother)
    else { return false }
    var between = words[(shell + 1)..<(words.count - 1)]
    while let word = between.popFirst() {
      guard word.hasPrefix("-") || word.hasPrefix("+"), word.hasPrefix("--") || !word.contains("c") else {
        return false
      }
      if valued.contains(word) { between = between.dropFirst() }
    }
    return true
  }

  /// A wrapper, an option or a number of its, or a variable.
  private static func startsAnother(_ word: String) -> Bool {
    wrappers.contains(word) || word.hasPrefix("-") || word.contains("=") || word.first?.isNumber == true
  }
}

extension RunnerConfig {
  package var promptIsScript: Bool { workerCommand.map(PromptScript.isRun) ?? false }
}
