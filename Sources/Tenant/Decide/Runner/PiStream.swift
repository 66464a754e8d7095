/// `pi -p --mode json`.
///
/// Each assistant's `message_end` carries its own tokens and money; `turn_end` and `agent_end` repeat them and do not count.
/// The program exits 0 when its model failed: the last message's stop reason tells.
struct PiStream: RunnerFold {
  private(set) var answer: String?
  private(set) var failure: String?
  private(set) var complete = false
  private(set) var model: String?
  private var session = ""
  private var tokens: TokenCount?
  private var microUSD: Int64?
  /// A message without a price: the sum of the others would look like all.
  private var unpriced = false

  var rateLimitedUntil: Int64? { nil }

  var sessions: [SessionFigures] {
    session.isEmpty && tokens == nil
      ? [] : [SessionFigures(session: session, tokens: tokens, microUSD: unpriced ? nil : microUSD)]
  }

  mutating func take(_ event: JSON) -> [String] {
    switch event["type"]?.string {
    case "session":
      session = event["id"]?.string ?? session
      return []
    case "agent_start":
      complete = false
      return []
    case "agent_end", "agent_settled":
      complete = true
      return []
    case "message_end": return ended(event["message"])
    case "tool_execution_start": return [Rendering.tool(event["toolName"]?.string ?? "tool", event["args"])]
    case "tool_execution_end":
      return event["isError"]?.bool == true ? ["  \(event["toolName"]?.string ?? "tool") failed"] : []
    case "auto_retry_start":
      complete = false
      return Rendering.lines(event["errorMessage"]?.string ?? "", prefix: "retrying: ")
    default: return []
    }
  }

  private mutating func ended(_ message: JSON?) -> [String] {
    guard message?["role"]?.string == "assistant" else { return [] }
    model = message?["model"]?.string ?? model
    if let usage = message?["usage"], usage.object != nil {
      let count = TokenCount(
        input: Figures.count(usage["input"]) ?? 0, cacheRead: Figures.count(usage["cacheRead"]) ?? 0,
        cacheWrite: Figures.count(usage["cacheWrite"]) ?? 0, output: Figures.count(usage["output"]) ?? 0)
      tokens = (tokens ?? TokenCount()) + count
      if let cost = Figures.microUSD(usage["cost"]?["total"]) {
        microUSD = (microUSD ?? 0) + cost
        if cost == 0, count.total > 0 { unpriced = true }
      } else if count.total > 0 {
        unpriced = true
      }
    }
    let text = (message?["content"]?.array ?? []).filter { $0["type"]?.string == "text" }
      .compactMap { $0["text"]?.string }.joined(separator: "\n")
    let plain = text.isEmpty ? message?["content"]?.string ?? "" : text
    let reason = message?["stopReason"]?.string
    if reason == "error" || reason == "aborted" {
      let detail = message?["errorMessage"]?.string ?? reason ?? "an error"
      failure = "pi: " + Rendering.clip(Rendering.line(detail), 500)
      answer = nil
      return Rendering.lines(detail, prefix: "error: ")
    }
    failure = nil
    answer = plain
    return Rendering.lines(plain)
  }
}
