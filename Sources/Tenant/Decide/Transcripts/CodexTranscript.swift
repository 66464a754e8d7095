import SystemPackage

/// `$CODEX_HOME/sessions/YYYY/MM/DD/rollout-*.jsonl`.
///
/// `token_count` carries the session's running total, and is repeated: what the total grew by is one event, named by the total it
/// reached. The newer `token_usage_record` says the same, and says it when the answer has come: a session that was killed inside its
/// tool's call has no `token_count` of that answer. So the last record counts where it is ahead of the last count. There is no money in
/// either, and the model stands in the turn's context. `input_tokens` includes what was cached; reasoning is inside the output.
struct CodexTranscript: TranscriptFold {
  /// `token_count` answers nothing: that of an answer may come when the next question is already asked.
  static let calls = OpenCall.Marks(
    asked: ["\"type\":\"function_call_output\"", "\"type\":\"custom_tool_call_output\"", "\"role\":\"user\""],
    answered: ["\"type\":\"function_call\"", "\"type\":\"custom_tool_call\"", "\"role\":\"assistant\""],
    surelyAnswered: ["\"type\":\"token_usage_record\""])
  static let marks = ["\"token_count\"", "\"token_usage_record\"", "\"turn_context\"", "\"session_meta\""]

  private var session = ""
  private var directory: FilePath?
  private var startedAt: Int64?
  private var model: String?
  private var total = TokenCount()
  private var events: [TranscriptEvent] = []
  private var ahead: (total: TokenCount, at: Int64?)?
  private var limitedUntil: Int64?

  mutating func take(_ line: JSON) {
    let payload = line["payload"]
    switch line["type"]?.string {
    case "session_meta":
      // A copied session brings the lines of the one it came from: the first is its own.
      guard session.isEmpty else { return }
      session = payload?["id"]?.string ?? payload?["session_id"]?.string ?? ""
      directory = payload?["cwd"]?.string.map { FilePath($0) }
      startedAt = (payload?["timestamp"]?.string ?? line["timestamp"]?.string).flatMap(Timestamp.unix)
    case "turn_context": model = payload?["model"]?.string ?? model
    case "event_msg":
      guard payload?["type"]?.string == "token_count" else { return }
      if let limits = payload?["rate_limits"], limits.object != nil { limit(limits, line) }
      guard let usage = payload?["info"]?["total_token_usage"], usage.object != nil else { return }
      count(Self.tokens(usage), at: line["timestamp"]?.string.flatMap(Timestamp.unix))
    case "token_usage_record":
      guard payload?["thread_id"]?.string == session, let usage = payload?["thread_token_usage"], usage.object != nil
      else { return }
      ahead = (Self.tokens(usage), line["timestamp"]?.string.flatMap(Timestamp.unix))
    default: break
    }
  }

  /// The windows of a subscription; each count brings them anew, and the last one holds. Older versions say in how many seconds one ends.
  private mutating func limit(_ limits: JSON, _ line: JSON) {
    let at = line["timestamp"]?.string.flatMap(Timestamp.unix)
    limitedUntil = ["primary", "secondary"].compactMap { name -> Int64? in
      guard let window = limits[name], let used = window["used_percent"]?.double, used >= 100 else { return nil }
      if let end = window["resets_at"]?.int { return end }
      return Figures.count(window["resets_in_seconds"]).flatMap { seconds in at?.saturatingSum(seconds) }
    }.max()
  }

  private static func tokens(_ usage: JSON) -> TokenCount {
    let read = Figures.count(usage["cached_input_tokens"]) ?? 0
    let write = Figures.count(usage["cache_write_input_tokens"]) ?? 0
    return TokenCount(
      input: max(0, (Figures.count(usage["input_tokens"]) ?? 0) - read - write), cacheRead: read, cacheWrite: write,
      output: Figures.count(usage["output_tokens"]) ?? 0)
  }

  private mutating func count(_ now: TokenCount, at: Int64?) {
    // A total that fell counts anew from nothing.
    let before = now.total >= total.total ? total : TokenCount()
    total = now
    guard now.total > before.total else { return }
    // What was used before this session began belongs to the one that it was copied from.
    if let at, let startedAt, at < startedAt { return }
    events.append(
      TranscriptEvent(
        id: "codex/\(session)/\(now.total)", model: model,
        tokens: TokenCount(
          input: max(0, now.input - before.input), cacheRead: max(0, now.cacheRead - before.cacheRead),
          cacheWrite: max(0, now.cacheWrite - before.cacheWrite), output: max(0, now.output - before.output)),
        at: at))
  }

  var transcript: Transcript {
    var whole = self
    if let ahead, ahead.total.total > total.total { whole.count(ahead.total, at: ahead.at) }
    var transcript = Transcript(
      runner: "codex", session: session, directory: directory, startedAt: startedAt, events: whole.events)
    transcript.limitedUntil = limitedUntil
    return transcript
  }
}
