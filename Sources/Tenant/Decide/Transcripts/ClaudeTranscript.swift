import SystemPackage

/// `$CLAUDE_CONFIG_DIR/projects/<directory>/<session>.jsonl`, and the subagents' files below `<session>/subagents/`.
///
/// A message is written once for each of its blocks, with growing figures: the largest count. It is named by its request and its
/// id together, since neither is unique alone (a retried request, a gateway that numbers its messages anew). `cost-state`
/// is the session's money so far: it closes a stretch of events whose sum it names.
struct ClaudeTranscript: TranscriptFold {
  static let marks = ["\"usage\"", "\"cost-state\""]
  /// Versions before 2.1.3 have no line for the request itself.
  static let calls = OpenCall.Marks(
    asked: ["\"type\":\"user\""], surelyAsked: ["\"type\":\"api-request\""],
    answered: ["\"type\":\"assistant\"", "\"subtype\":\"api_error\""])

  private var session = ""
  private var directory: FilePath?
  private var startedAt: Int64?
  private var order: [String] = []
  private var events: [String: TranscriptEvent] = [:]
  private var sums: [Transcript.Sum] = []
  private var summed = 0
  private var billed: Int64 = 0

  mutating func take(_ line: JSON) {
    if session.isEmpty, let named = line["sessionId"]?.string { session = named }
    switch line["type"]?.string {
    case "assistant": assistant(line)
    case "cost-state":
      guard let total = Figures.microUSD(line["totalCostUSD"]) else { return }
      // A total that fell belongs to a session that began anew.
      let part = total >= billed ? total - billed : total
      billed = total
      sums.append(Transcript.Sum(events: order.count - summed, microUSD: part))
      summed = order.count
    default: break
    }
  }

  private mutating func assistant(_ line: JSON) {
    guard let message = line["message"], let id = message["id"]?.string, let usage = message["usage"],
      usage.object != nil
    else { return }
    if directory == nil { directory = line["cwd"]?.string.map { FilePath($0) } }
    let at = line["timestamp"]?.string.flatMap(Timestamp.unix)
    if startedAt == nil { startedAt = at }
    let request = line["requestId"]?.string ?? line["requestRef"]?.string
    let key = request.map { "claude/\($0)/\(id)" } ?? "claude/\(id)"
    let tokens = TokenCount(
      input: Figures.count(usage["input_tokens"]) ?? 0, cacheRead: Figures.count(usage["cache_read_input_tokens"]) ?? 0,
      cacheWrite: Figures.count(usage["cache_creation_input_tokens"]) ?? 0,
      output: Figures.count(usage["output_tokens"]) ?? 0)
    let long = Figures.count(usage["cache_creation"]?["ephemeral_1h_input_tokens"]) ?? 0
    guard var event = events[key] else {
      // What the program says itself (`<synthetic>`) has no tokens and no price.
      guard tokens.total > 0 else { return }
      order.append(key)
      events[key] = TranscriptEvent(
        id: key, model: message["model"]?.string, tokens: tokens, longCacheWrite: min(long, tokens.cacheWrite), at: at)
      return
    }
    event.tokens = Figures.larger(event.tokens, tokens)
    event.longCacheWrite = min(max(event.longCacheWrite, long), event.tokens.cacheWrite)
    events[key] = event
  }

  var transcript: Transcript {
    Transcript(
      runner: "claude", session: session, directory: directory, startedAt: startedAt,
      events: order.compactMap { events[$0] }, sums: sums)
  }
}

extension Transcript {
  /// With the events of the session's subagents, whose money is inside the session's sums: each goes to the stretch in which it
  /// happened, or behind the last one while no sum covers it.
  func withSubagents(_ subagents: [Transcript]) -> Transcript {
    let known = Set(events.map(\.id))
    let extra = subagents.flatMap(\.events).filter { !known.contains($0.id) }.sorted {
      ($0.at ?? 0, $0.id) < ($1.at ?? 0, $1.id)
    }
    var merged = self
    merged.isOpen = isOpen || subagents.contains(where: \.isOpen)
    guard !extra.isEmpty else { return merged }
    merged.events = []
    merged.sums = []
    var rest = events[...]
    var waiting = extra[...]
    for sum in sums {
      let stretch = rest.prefix(sum.events)
      rest = rest.dropFirst(sum.events)
      // Up to the next stretch's first call: a subagent may end after its caller's last one.
      let end = rest.first?.at ?? .max
      let inside = waiting.prefix { ($0.at ?? 0) < end }
      waiting = waiting.dropFirst(inside.count)
      merged.events += stretch + inside
      merged.sums.append(Sum(events: stretch.count + inside.count, microUSD: sum.microUSD))
    }
    merged.events += rest + waiting
    return merged
  }
}
