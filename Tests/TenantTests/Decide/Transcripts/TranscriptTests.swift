import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct TranscriptTests {
  private func fold<Fold: TranscriptFold>(_ fold: Fold, _ lines: String) -> Transcript {
    var fold = fold
    for line in lines.split(separator: "\n") {
      if let json = try? JSON(parsing: String(line)) { fold.take(json) }
    }
    return fold.transcript
  }

  private func words(_ transcript: Transcript) -> [String] {
    transcript.events.map { event in
      let tokens = event.tokens
      return
        "\(event.id) \(event.model ?? "-") \(tokens.input)/\(tokens.cacheRead)/\(tokens.cacheWrite)/\(tokens.output)"
        + (event.longCacheWrite > 0 ? " long \(event.longCacheWrite)" : "") + (event.microUSD.map { " $\($0)" } ?? "")
    }
  }

  private func claude(_ id: String, _ request: String?, _ output: Int, cache: String = "") -> String {
    let named = request.map { ",\"requestRef\":\"\($0)\"" } ?? ""
    return
      #"{"type":"assistant","sessionId":"s","cwd":"/w","timestamp":"2026-11-23T22:01:31.714Z"\#(named),"message":{"id":"\#(id)","role":"assistant","model":"sonnet","usage":{"input_tokens":10,"output_tokens":\#(output)\#(cache)}}}"#
  }

  @Test func `claude: a message is one event, whatever its blocks and repeats`() {
    let transcript = fold(
      ClaudeTranscript(),
      [
        claude("m1", "r1", 1), claude("m1", "r1", 40), claude("m1", "r1", 40), claude("m1", "r2", 7),
        claude("m2", nil, 5),
        claude("m2", nil, 3), #"{"type":"assistant","message":{"id":"#,
        #"{"type":"user","message":{"content":"usage"}}"#,
        #"{"type":"assistant","message":{"id":"x","model":"<synthetic>","usage":{"input_tokens":0,"output_tokens":0}}}"#,
      ].joined(separator: "\n"))
    #expect(
      words(transcript) == [
        "claude/r1/m1 sonnet 10/0/0/40", "claude/r2/m1 sonnet 10/0/0/7", "claude/m2 sonnet 10/0/0/5",
      ])
    #expect((transcript.session, transcript.directory, transcript.startedAt) == ("s", "/w", 1_795_471_291))
  }

  @Test func `claude: both lives of the cache are told apart`() {
    let cache =
      #","cache_read_input_tokens":7,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_1h_input_tokens":4,"ephemeral_5m_input_tokens":5}"#
    #expect(
      words(fold(ClaudeTranscript(), claude("m", "r", 1, cache: cache))) == ["claude/r/m sonnet 10/7/9/1 long 4"])
  }

  @Test func `claude: its money closes a stretch, subagents included`() {
    let main = fold(
      ClaudeTranscript(),
      [
        claude("m1", "r1", 1), #"{"type":"cost-state","sessionId":"s","totalCostUSD":0.1}"#, claude("m2", "r2", 1),
        claude("m3", "r3", 1), #"{"type":"cost-state","sessionId":"s","totalCostUSD":0.25}"#, claude("m4", "r4", 1),
      ].joined(separator: "\n"))
    #expect(main.sums == [.init(events: 1, microUSD: 100_000), .init(events: 2, microUSD: 150_000)])
    let agent = Transcript(
      runner: "claude",
      events: [
        TranscriptEvent(id: "a", model: nil, tokens: TokenCount(output: 1), at: 5),
        TranscriptEvent(id: "claude/r1/m1", model: nil, tokens: TokenCount(output: 1), at: 5),
        TranscriptEvent(id: "b", model: nil, tokens: TokenCount(output: 1), at: 1_795_471_299),
      ])
    let merged = main.withSubagents([agent])
    #expect(merged.events.map(\.id) == ["claude/r1/m1", "a", "claude/r2/m2", "claude/r3/m3", "claude/r4/m4", "b"])
    #expect(merged.sums.map(\.events) == [2, 2])
    #expect(merged.sums.map(\.microUSD) == [100_000, 150_000])
  }

  private func codex(_ input: Int, _ cached: Int, _ output: Int, at: String = "2026-11-23T22:02:00.000Z") -> String {
    #"{"timestamp":"\#(at)","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":\#(input),"cached_input_tokens":\#(cached),"output_tokens":\#(output),"reasoning_output_tokens":3},"last_token_usage":{"input_tokens":1}}}}"#
  }

  @Test func `codex: what the running total grew by, without what was copied`() {
    let transcript = fold(
      CodexTranscript(),
      [
        #"{"timestamp":"t","type":"session_meta","payload":{"id":"th","cwd":"/w","timestamp":"2026-11-23T22:01:32.856Z"}}"#,
        #"{"type":"session_meta","payload":{"id":"older","cwd":"/elsewhere"}}"#,
        #"{"type":"turn_context","payload":{"model":"gpt-5"}}"#, codex(5, 0, 5, at: "2026-11-20T10:00:00.000Z"),
        codex(10, 4, 5), codex(10, 4, 5),
        #"{"type":"token_usage_record","payload":{"turn_token_usage":{"input_tokens":999}}}"#,
        #"{"type":"event_msg","payload":{"type":"token_count","info":null}}"#, codex(30, 14, 15),
      ].joined(separator: "\n"))
    #expect(words(transcript) == ["codex/th/15 gpt-5 1/4/0/0", "codex/th/45 gpt-5 10/10/0/10"])
    #expect((transcript.session, transcript.directory) == ("th", "/w"))
  }

  @Test func `codex: its subscription's windows say until when it is turned away`() throws {
    func count(_ limits: String) -> String {
      #"{"timestamp":"2026-11-23T22:02:00.000Z","type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":\#(limits)}}"#
    }
    let full = #"{"primary":{"used_percent":100.0,"window_minutes":300,"resets_at":1800000500},"secondary":null}"#
    let both =
      #"{"primary":{"used_percent":100.0,"resets_in_seconds":90},"secondary":{"used_percent":7.0,"resets_at":1900000000}}"#
    let free = #"{"primary":{"used_percent":99.9,"resets_at":1800000500}}"#
    func until(_ limits: String...) -> Int64? {
      fold(CodexTranscript(), limits.map(count).joined(separator: "\n")).limitedUntil
    }
    #expect(until(full) == 1_800_000_500)
    #expect(until(free, both) == Timestamp.unix("2026-11-23T22:03:30.000Z"))
    #expect(until(full, free) == nil, "the last word holds")
    #expect(until(full, "null") == 1_800_000_500)
    let transcript = fold(CodexTranscript(), count(full))
    #expect(Transcript(json: transcript.json) == transcript)
  }

  @Test func `codex: the answer that its session was killed upon`() {
    func record(_ total: Int, thread: String = "th") -> String {
      #"{"timestamp":"2026-11-23T22:02:00.000Z","type":"token_usage_record","payload":{"thread_id":"\#(thread)","thread_token_usage":{"input_tokens":\#(total),"output_tokens":0}}}"#
    }
    let start =
      #"{"type":"session_meta","payload":{"id":"th","cwd":"/w","timestamp":"2026-11-23T22:01:32.856Z"}}"#
    func folded(_ lines: [String]) -> [String] {
      words(fold(CodexTranscript(), ([start] + lines).joined(separator: "\n")))
    }
    let one = codex(10, 0, 0)
    #expect(folded([record(10), one, record(30), record(90, thread: "else")]).last?.hasPrefix("codex/th/30 ") == true)
    // Once the count has come, the same event has the same name.
    #expect(folded([record(10), one, record(30), codex(30, 0, 0)]) == folded([record(10), one, record(30)]))
    #expect(folded([record(10), one]) == folded([one]))
  }

  @Test func `pi: each message with its own money; zero is no price`() {
    func message(_ id: String, _ role: String, _ cost: String) -> String {
      #"{"type":"message","id":"\#(id)","timestamp":"2026-11-23T22:02:00.000Z","message":{"role":"\#(role)","model":"m","usage":{"input":1,"output":2,"cacheRead":3,"cacheWrite":4,"cost":{"total":\#(cost)}}}}"#
    }
    let transcript = fold(
      PiTranscript(),
      [
        #"{"type":"session","version":3,"id":"p","timestamp":"2026-11-23T22:01:00.000Z","cwd":"/w"}"#,
        message("a", "assistant", "0.0123"), message("a", "assistant", "0.0123"), message("b", "assistant", "0"),
        message("c", "user", "1"),
      ].joined(separator: "\n"))
    #expect(words(transcript) == ["pi/p/a m 1/3/4/2 $12300", "pi/p/b m 1/3/4/2"])
  }

  @Test func `a transcript survives the way to the fleet`() throws {
    let transcript = fold(
      ClaudeTranscript(), claude("m1", "r1", 1) + "\n" + #"{"type":"cost-state","totalCostUSD":0.1}"#)
    let finding = TranscriptFinder.Finding(transcripts: [transcript], unread: ["opencode"])
    #expect(TranscriptFinder.Finding(json: try JSON(parsing: finding.json.compact)) == finding)
  }

  @Test func `only the worker's own sessions are found`() throws {
    let scratch = try ScratchDirectory("find")
    let line = claude("m", "r", 1)
    func session(_ name: String, _ text: String) throws {
      try scratch.write(text + "\n", to: ".claude/projects/-w/\(name).jsonl")
    }
    try session("own", line)
    try session("tick", line.replacing(#""sessionId":"s""#, with: #""sessionId":"tick""#))
    try session("other", line.replacing(#""cwd":"/w""#, with: #""cwd":"/else""#))
    try session("old", line.replacing("2026-11-23", with: "2026-11-22"))
    try session("torn", line + "\n" + line.dropLast(9))
    try session("prose", #"{"type":"user","message":{"content":"no figures"}}"#)
    try scratch.write("", to: ".local/share/opencode/opencode.db")
    let finding = TranscriptFinder(environment: HostEnvironment(["HOME": scratch.path.string]))
      .find(directory: "/w", since: 1_795_471_000, excluding: ["tick"])
    #expect(finding.transcripts.map { words($0) } == [["claude/r/m sonnet 10/0/0/1"], ["claude/r/m sonnet 10/0/0/1"]])
    #expect(finding.unread == ["opencode"])
    #expect(TranscriptFinder(environment: HostEnvironment([:])).find(directory: "/w", since: 0).transcripts == [])
  }

  @Test func `a session that was taken up again is what it used since`() throws {
    let scratch = try ScratchDirectory("resumed")
    func cost(_ total: String) -> String { #"{"type":"cost-state","sessionId":"s","totalCostUSD":\#(total)}"# }
    func old(_ line: String) -> String { line.replacing("2026-11-23", with: "2026-11-22") }
    try scratch.write(
      [
        old(claude("m1", "r1", 1)), old(claude("m2", "r2", 1)), cost("0.1"), claude("m3", "r3", 5), cost("60.1"),
        claude("m4", "r4", 7),
      ].joined(separator: "\n"), to: ".claude/projects/-w/s.jsonl")
    try scratch.write(
      [
        #"{"timestamp":"2026-11-22T22:01:32.856Z","type":"session_meta","payload":{"id":"th","cwd":"/w"}}"#,
        codex(100, 0, 0, at: "2026-11-22T22:02:00.000Z"), codex(100, 0, 0), codex(150, 0, 3),
      ].joined(separator: "\n"), to: ".codex/sessions/2026/11/22/rollout-th.jsonl")
    let found = TranscriptFinder(environment: HostEnvironment(["HOME": scratch.path.string]))
      .find(directory: "/w", since: 1_795_471_000).transcripts
    #expect(
      found.map { words($0) } == [
        ["claude/r3/m3 sonnet 10/0/0/5", "claude/r4/m4 sonnet 10/0/0/7"], ["codex/th/153 - 50/0/0/3"],
      ])
    #expect(found.first?.sums == [.init(events: 1, microUSD: 60_000_000)])
  }

  @Test func `a sum of which a part is older says nothing of the rest`() {
    let line = claude("m1", "r1", 1)
    let transcript = fold(
      ClaudeTranscript(),
      [
        line.replacing("2026-11-23", with: "2026-11-22"), claude("m2", "r2", 1),
        #"{"type":"cost-state","totalCostUSD":0.1}"#, claude("m3", "r3", 1),
        #"{"type":"cost-state","totalCostUSD":0.2}"#,
      ].joined(separator: "\n"))
    let late = transcript.since(1_795_471_000)
    #expect(late.events.map(\.id) == ["claude/r2/m2", "claude/r3/m3"])
    #expect(late.sums == [])
    #expect(transcript.since(0) == transcript)
  }
}

@Suite struct RecordedRunTests {
  @Test func `a run is read again from its events`() throws {
    let scratch = try ScratchDirectory("runs")
    let data = scratch.dataDir
    func reading(_ id: String) -> String { RecordedRun.reading(id, data: data, command: "env A=1 claude -p").compact }
    #expect(reading("tick-1") == #"{"run":"tick-1","running":false,"usage":null}"#)
    try scratch.write("", to: "runs/tick-1/events.ndjson")
    #expect(reading("tick-1") == #"{"run":"tick-1","running":false,"usage":null}"#)
    let assistant =
      #"{"type":"assistant","session_id":"s","message":{"id":"m","usage":{"input_tokens":7,"output_tokens":3}}}"#
    try scratch.write(
      #"{"type":"system","subtype":"init","session_id":"s","model":"sonnet"}"# + "\n" + assistant + "\n",
      to: "runs/tick-1/events.ndjson")
    let partial = try #require(
      RecordedRun.reading("tick-1", data: data, command: "x")["usage"].flatMap(RunUsage.init(json:)))
    #expect(!partial.complete)
    #expect(partial.tokens == TokenCount(input: 7, output: 3))
    // The baseline may hold this very run already: it must not make it cost nothing.
    try UsageBaseline([SessionFigures(session: "s", tokens: TokenCount(input: 9, output: 9), microUSD: 60_000)]).write(
      data)
    try scratch.write(
      #"{"type":"result","session_id":"s","total_cost_usd":0.06,"usage":{"input_tokens":9,"output_tokens":9}}"# + "\n",
      to: "runs/tick-2/events.ndjson")
    let whole = try #require(
      RecordedRun.reading("tick-2", data: data, command: "x")["usage"].flatMap(RunUsage.init(json:)))
    #expect((whole.complete, whole.microUSD) == (true, 60_000))
    try Directory.create(data.lockDirectory)
    let lock = try FileLock(waitingFor: data.beatLock)
    #expect(reading("tick-2") == #"{"run":"tick-2","running":true,"usage":null}"#)
    #expect(RecordedRun.reading("tick-1", data: data, command: "x")["running"] == .bool(false))
    withExtendedLifetime(lock.descriptor.raw) {}
    _ = consume lock
  }
}
