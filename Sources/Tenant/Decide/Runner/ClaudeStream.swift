/// `claude -p --output-format stream-json --verbose`.
///
/// Cost comes once, in `result`, and is the session's running total: the last one of a session counts, and the sessions add
/// up. Until then the messages' own usage is a lower bound: each message is streamed several times with growing figures.
struct ClaudeStream: RunnerFold {
  private(set) var answer: String?
  private(set) var failure: String?
  private(set) var complete = false
  private(set) var rateLimitedUntil: Int64?
  private var initialModel: String?
  private var billedModel: String?
  private var order: [String] = []
  private var totals: [String: SessionFigures] = [:]
  private var partial: [String: [String: TokenCount]] = [:]
  private var current = ""

  /// A run with more messages than this is metered by its result alone.
  private static let maximumMessages = 20_000

  var model: String? { billedModel ?? initialModel }

  var sessions: [SessionFigures] {
    order.map { session in
      var figures = totals[session] ?? SessionFigures(session: session)
      if let messages = partial[session], !messages.isEmpty {
        let bound = messages.values.reduce(TokenCount(), +)
        figures.tokens = figures.tokens.map { Figures.larger($0, bound) } ?? bound
      }
      return figures
    }
  }

  mutating func take(_ event: JSON) -> [String] {
    if let session = event["session_id"]?.string { enter(session) }
    switch event["type"]?.string {
    case "system":
      guard event["subtype"]?.string == "init" else { return [] }
      enter(event["session_id"]?.string ?? current)
      initialModel = event["model"]?.string ?? initialModel
      complete = false
      return []
    case "assistant": return assistant(event)
    case "result": return result(event)
    case "rate_limit_event":
      let info = event["rate_limit_info"]
      guard info?["status"]?.string == "rejected", info?["isUsingOverage"]?.bool != true else { return [] }
      rateLimitedUntil = Figures.count(info?["resetsAt"]) ?? rateLimitedUntil
      return ["rate limited (\(info?["rateLimitType"]?.string ?? "unknown"))"]
    default: return []
    }
  }

  private mutating func enter(_ session: String) {
    current = session
    if !order.contains(session) { order.append(session) }
  }

  private mutating func assistant(_ event: JSON) -> [String] {
    let message = event["message"]
    if let id = message?["id"]?.string, let usage = message?["usage"], usage.object != nil {
      if order.isEmpty { enter(current) }
      let tokens = Self.tokens(usage)
      if partial[current, default: [:]].count < Self.maximumMessages || partial[current]?[id] != nil {
        partial[current, default: [:]][id] = Figures.larger(partial[current]?[id] ?? TokenCount(), tokens)
      }
    }
    var lines: [String] = []
    for block in message?["content"]?.array ?? [] {
      switch block["type"]?.string {
      case "text": lines += Rendering.lines(block["text"]?.string ?? "")
      case "tool_use": lines.append(Rendering.tool(block["name"]?.string ?? "tool", block["input"]))
      default: break
      }
    }
    return lines
  }

  private mutating func result(_ event: JSON) -> [String] {
    if order.isEmpty { enter(current) }
    complete = true
    var figures = totals[current] ?? SessionFigures(session: current)
    if let cost = Figures.microUSD(event["total_cost_usd"]) { figures.microUSD = max(figures.microUSD ?? 0, cost) }
    if let tokens = modelTokens(event["modelUsage"])
      ?? event["usage"].flatMap({ $0.object == nil ? nil : Self.tokens($0) })
    {
      figures.tokens = figures.tokens.map { Figures.larger($0, tokens) } ?? tokens
    }
    totals[current] = figures

    let subtype = event["subtype"]?.string ?? "success"
    var summary: [String] = []
    if let duration = event["duration_ms"]?.double, duration.isFinite, duration >= 0, duration < 1e12 {
      summary.append("\((duration / 100).rounded() / 10)s")
    }
    if let cost = Figures.microUSD(event["total_cost_usd"]) { summary.append(Rendering.usd(cost)) }
    let detail = summary.isEmpty ? "" : " (\(summary.joined(separator: " · ")))"
    if subtype != "success" || event["is_error"]?.bool == true {
      let reason =
        (event["errors"]?.array ?? []).compactMap { $0.string ?? $0["message"]?.string }.first
        ?? event["result"]?.string
      let text = reason.map { ": " + Rendering.clip(Rendering.line($0), 500) } ?? ""
      failure = "claude ended with \(subtype == "success" ? "an error" : subtype)\(text)"
      answer = nil
      return ["failed (\(subtype))\(detail)\(text)"]
    }
    failure = nil
    answer = event["result"]?.string
    return ["done\(detail)"]
  }

  /// All models' tokens, subagents included; the dearest model is the run's.
  private mutating func modelTokens(_ json: JSON?) -> TokenCount? {
    guard let models = json?.object, !models.isEmpty else { return nil }
    var sum = TokenCount()
    var dearest: (name: String, cost: Double)?
    for (name, usage) in models.sorted(by: { $0.key < $1.key }) {
      sum =
        sum
        + TokenCount(
          input: Figures.count(usage["inputTokens"]) ?? 0, cacheRead: Figures.count(usage["cacheReadInputTokens"]) ?? 0,
          cacheWrite: Figures.count(usage["cacheCreationInputTokens"]) ?? 0,
          output: Figures.count(usage["outputTokens"]) ?? 0)
      let cost = usage["costUSD"]?.double ?? 0
      if cost >= dearest?.cost ?? -1 { dearest = (name, cost) }
    }
    billedModel = dearest?.name ?? billedModel
    return sum
  }

  private static func tokens(_ usage: JSON) -> TokenCount {
    TokenCount(
      input: Figures.count(usage["input_tokens"]) ?? 0, cacheRead: Figures.count(usage["cache_read_input_tokens"]) ?? 0,
      cacheWrite: Figures.count(usage["cache_creation_input_tokens"]) ?? 0,
      output: Figures.count(usage["output_tokens"]) ?? 0)
  }
}
