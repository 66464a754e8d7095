import Tenant

/// Pending asks as text: `⚑ id (worker): prompt`, then what goes along with it.
enum AsksTable {
  static func lines(_ asks: [AskRecord]) -> [String] {
    guard !asks.isEmpty else { return ["no pending asks"] }
    return asks.flatMap { ask in
      var lines = text(ask.prompt)
      lines[0] = "⚑ \(TextWidth.plain(ask.id)) (\(TextWidth.plain(ask.worker))): \(lines[0])"
      for index in lines.indices.dropFirst() { lines[index] = "    " + lines[index] }
      return lines + details(ask)
    }
  }

  /// What the ask refers to and what may be answered.
  static func details(_ ask: AskRecord) -> [String] {
    var lines: [String] = []
    if let reference = ask.reference { lines.append("    ref: \(TextWidth.plain(reference))") }
    if !ask.options.isEmpty {
      lines.append("    options: \(ask.options.map(TextWidth.plain).joined(separator: ", "))")
    }
    if ask.irreversible { lines.append("    irreversible: runs only after an explicit yes") }
    return lines
  }

  /// Lines without control characters: what a worker wrote must not steer the reader's terminal.
  private static func text(_ prompt: String) -> [String] {
    let lines = prompt.trimmedEnd.split(separator: "\n", omittingEmptySubsequences: false).map {
      TextWidth.plain(String($0))
    }
    return lines.isEmpty ? [""] : lines
  }
}
