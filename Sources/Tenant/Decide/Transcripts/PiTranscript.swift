import SystemPackage

/// `$PI_CODING_AGENT_DIR/sessions/--<directory>--/<time>_<id>.jsonl`: every assistant's message with its model, tokens and money.
struct PiTranscript: TranscriptFold {
  static let marks = ["\"usage\"", "\"session\""]
  static let calls = OpenCall.Marks(
    asked: ["\"role\":\"user\"", "\"role\":\"toolResult\""], answered: ["\"role\":\"assistant\""])

  private var session = ""
  private var directory: FilePath?
  private var startedAt: Int64?
  private var order: [String] = []
  private var events: [String: TranscriptEvent] = [:]

  mutating func take(_ line: JSON) {
    switch line["type"]?.string {
    case "session":
      guard session.isEmpty else { return }
      session = line["id"]?.string ?? ""
      directory = line["cwd"]?.string.map { FilePath($0) }
      startedAt = line["timestamp"]?.string.flatMap(Timestamp.unix)
    case "message": message(line)
    default: break
    }
  }

  private mutating func message(_ line: JSON) {
    guard let message = line["message"], message["role"]?.string == "assistant", let usage = message["usage"],
      usage.object != nil
    else { return }
    let tokens = TokenCount(
      input: Figures.count(usage["input"]) ?? 0, cacheRead: Figures.count(usage["cacheRead"]) ?? 0,
      cacheWrite: Figures.count(usage["cacheWrite"]) ?? 0, output: Figures.count(usage["output"]) ?? 0)
    guard tokens.total > 0 else { return }
    let stamp = line["timestamp"]?.string
    // A file without entry ids (an older form) is told apart by the order of its messages.
    let id = "pi/\(session)/\(line["id"]?.string ?? stamp ?? String(order.count))"
    if events[id] == nil { order.append(id) }
    // Zero beside tokens is no price.
    let micro = Figures.microUSD(usage["cost"]?["total"]).flatMap { $0 > 0 ? $0 : nil }
    events[id] = TranscriptEvent(
      id: id, model: message["model"]?.string, tokens: tokens, microUSD: micro, at: stamp.flatMap(Timestamp.unix))
  }

  var transcript: Transcript {
    Transcript(
      runner: "pi", session: session, directory: directory, startedAt: startedAt,
      events: order.compactMap { events[$0] })
  }
}
