/// `codex exec --json`.
///
/// `usage` is the thread's running total, also across a resume; its input holds the cached part, and its output the reasoning.
/// The stream names neither model nor money.
struct CodexStream: RunnerFold {
  /// The run's start, Unix seconds: some limits say only in how many seconds they end.
  let startedAt: Int64
  private(set) var answer: String?
  private(set) var failure: String?
  private(set) var complete = false
  private(set) var rateLimitedUntil: Int64?
  /// A model's answer came: whatever is an item but an error is one, or its consequence.
  private(set) var worked = false
  let model: String?
  private(set) var sessions: [SessionFigures] = []
  private var current = ""

  init(model: String?, startedAt: Int64) {
    self.model = model
    self.startedAt = startedAt
  }

  mutating func take(_ event: JSON) -> [String] {
    if let item = event["item"]?["type"]?.string, item != "error" { worked = true }
    switch event["type"]?.string {
    case "thread.started":
      enter(event["thread_id"]?.string ?? "")
      return []
    case "turn.started":
      enter(current)
      complete = false
      failure = nil
      return []
    case "item.started": return started(event["item"])
    case "item.completed": return completed(event["item"])
    case "turn.completed":
      enter(current)
      complete = true
      failure = nil
      if let usage = event["usage"], usage.object != nil { add(usage) }
      return ["done"]
    case "turn.failed":
      complete = false
      answer = nil
      return fail(event["error"]?["message"]?.string ?? "the turn failed")
    case "error": return fail(event["message"]?.string ?? "an error")
    default: return []
    }
  }

  private mutating func enter(_ thread: String) {
    current = thread
    if !sessions.contains(where: { $0.session == thread }) { sessions.append(SessionFigures(session: thread)) }
  }

  private mutating func add(_ usage: JSON) {
    let read = Figures.count(usage["cached_input_tokens"]) ?? 0
    let write = Figures.count(usage["cache_write_input_tokens"]) ?? 0
    let tokens = TokenCount(
      input: max(0, (Figures.count(usage["input_tokens"]) ?? 0) - read - write), cacheRead: read, cacheWrite: write,
      output: Figures.count(usage["output_tokens"]) ?? 0)
    guard let index = sessions.firstIndex(where: { $0.session == current }) else { return }
    sessions[index].tokens = sessions[index].tokens.map { $0.total > tokens.total ? $0 : tokens } ?? tokens
  }

  private func started(_ item: JSON?) -> [String] {
    guard item?["type"]?.string == "command_execution", let command = item?["command"]?.string else { return [] }
    return ["▸ $ " + Rendering.clip(Rendering.line(command), 300)]
  }

  private mutating func completed(_ item: JSON?) -> [String] {
    switch item?["type"]?.string {
    case "agent_message":
      let text = item?["text"]?.string ?? ""
      answer = text
      return Rendering.lines(text)
    case "command_execution":
      guard let code = item?["exit_code"]?.int, code != 0 else { return [] }
      return ["  exit \(code)"]
    case "error": return Rendering.lines(item?["message"]?.string ?? "", prefix: "error: ")
    default: return []
    }
  }

  /// An error may be one that codex gets over by itself: only a turn that ends well takes it back.
  private mutating func fail(_ message: String) -> [String] {
    failure = "codex: " + Rendering.clip(Rendering.line(message), 500)
    if message.contains("usage_limit") || message.contains("usage limit") || message.contains("rate_limit") {
      rateLimitedUntil = resetTime(message) ?? rateLimitedUntil
    }
    return Rendering.lines(message, prefix: "error: ")
  }

  private func resetTime(_ message: String) -> Int64? {
    if let at = Self.number(after: "resets_at\"", in: message), at > 1_000_000_000 { return at }
    if let seconds = Self.number(after: "resets_in_seconds\"", in: message), seconds <= 40 * 86400 {
      return startedAt + seconds
    }
    return LimitWords.end(message, now: startedAt)
  }

  /// The number after `key` and a colon. The error is JSON inside of a text, sometimes with its quotes escaped.
  private static func number(after key: String, in text: String) -> Int64? {
    let plain = text.split(separator: "\\").joined()
    guard let range = plain.firstRange(ofText: key) else { return nil }
    let digits = plain[range...].drop { $0 == ":" || $0 == " " || $0 == "\"" }.prefix { $0.isASCII && $0.isNumber }
    return Int64(digits)
  }
}

extension String {
  /// Where the first occurrence of `other` ends.
  func firstRange(ofText other: String) -> String.Index? {
    guard !other.isEmpty else { return startIndex }
    let needle = Array(other.utf8)
    var index = utf8.startIndex
    while index < utf8.endIndex {
      if utf8[index...].starts(with: needle) { return utf8.index(index, offsetBy: needle.count) }
      index = utf8.index(after: index)
    }
    return nil
  }
}
