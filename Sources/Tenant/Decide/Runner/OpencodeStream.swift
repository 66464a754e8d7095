/// `opencode run --format json`.
///
/// Steps add up, each once by its part's id; reasoning is counted beside output. A cost of 0 with tokens is no price (a
/// subscription, or an unknown model), and a finished step without any token is a broken count: both are unknown, not free.
struct OpencodeStream: RunnerFold {
  private(set) var failure: String?
  private(set) var complete = false
  let model: String?
  private var steps: [String: (tokens: TokenCount, microUSD: Int64?)] = [:]
  private var session = ""
  private var texts: [(part: String, message: String, text: String)] = []

  init(model: String?) { self.model = model }

  var rateLimitedUntil: Int64? { nil }

  /// The text parts of the last message that has any.
  var answer: String? {
    guard let last = texts.last else { return nil }
    return texts.filter { $0.message == last.message }.map(\.text).joined(separator: "\n")
  }

  var sessions: [SessionFigures] {
    guard !steps.isEmpty else { return session.isEmpty ? [] : [SessionFigures(session: session)] }
    let tokens = steps.values.reduce(TokenCount()) { $0 + $1.tokens }
    let costs = steps.values.compactMap(\.microUSD)
    let cost = costs.reduce(0, +)
    return [
      SessionFigures(
        session: session, tokens: tokens.total > 0 ? tokens : nil,
        microUSD: cost > 0 && costs.count == steps.count ? cost : nil)
    ]
  }

  mutating func take(_ event: JSON) -> [String] {
    let part = event["part"]
    if let id = event["sessionID"]?.string ?? part?["sessionID"]?.string, session.isEmpty { session = id }
    switch event["type"]?.string {
    case "step_start":
      complete = false
      return []
    case "step_finish": return finish(part)
    case "text":
      guard let text = part?["text"]?.string else { return [] }
      let id = part?["id"]?.string ?? "\(texts.count)"
      let known = texts.firstIndex { $0.part == id }
      if let known { texts[known].text = text } else { texts.append((id, part?["messageID"]?.string ?? "", text)) }
      return Rendering.lines(text)
    case "tool_use": return [Rendering.tool(part?["tool"]?.string ?? "tool", part?["state"]?["input"])]
    case "error":
      let error = event["error"]
      let message =
        error?["data"]?["message"]?.string ?? error?["message"]?.string ?? error?["name"]?.string ?? "an error"
      failure = "opencode: " + Rendering.clip(Rendering.line(message), 500)
      return Rendering.lines(message, prefix: "error: ")
    default: return []
    }
  }

  private mutating func finish(_ part: JSON?) -> [String] {
    let tokens = part?["tokens"]
    let count = TokenCount(
      input: Figures.count(tokens?["input"]) ?? 0, cacheRead: Figures.count(tokens?["cache"]?["read"]) ?? 0,
      cacheWrite: Figures.count(tokens?["cache"]?["write"]) ?? 0,
      output: (Figures.count(tokens?["output"]) ?? 0) + (Figures.count(tokens?["reasoning"]) ?? 0))
    steps[part?["id"]?.string ?? "step-\(steps.count)"] = (count, Figures.microUSD(part?["cost"]))
    // A step that ends for its tools is followed by another one.
    let reason = part?["reason"]?.string
    complete = reason != "tool-calls" && reason != "tool_calls"
    if complete { failure = nil }
    return []
  }
}
