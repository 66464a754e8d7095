/// Whether a worker's command has a shell run the prompt, as the `rules` preset does.
enum PromptScript {
  private static let shells: Set<String> = ["bash", "sh", "dash", "zsh", "ksh", "ash"]
  /// Options of a shell that take the next word.
  private static let valued: Set<String> = ["-o", "+o", "-O", "+O", "--rcfile", "--init-file"]

  /// `bash {{prompt_file}}`, whatever stands before it (`timeout 60 bash -e …`), also as its input. A shell that runs something else, which
  /// then reads the prompt, is none.
  static func isRun(by workerCommand: String) -> Bool {
    let words = workerCommand.split(whereSeparator: { $0.isWhitespace || $0 == "<" })
    guard let place = words.firstIndex(where: { PromptPlaceholder.isIn(String($0)) }),
      let shell = words[..<place].lastIndex(where: { shells.contains(String($0.split(separator: "/").last ?? "")) })
    else { return false }
    var between = words[(shell + 1)..<place]
    while let word = between.popFirst() {
      guard word.hasPrefix("-") || word.hasPrefix("+") else { return false }
      if valued.contains(String(word)) { between = between.dropFirst() }
    }
    return true
  }
}

extension RunnerConfig {
  package var promptIsScript: Bool { workerCommand.map(PromptScript.isRun) ?? false }
}
