import Testing

@testable import Tenant

@Suite struct RunnerStreamTests {
  static func run(_ command: String, _ lines: [String], startedAt: Int64 = 1000) -> RunnerStream {
    var stream = RunnerStream(command: command, startedAt: startedAt)
    _ = stream.feed(Array(lines.joined(separator: "\n").utf8))
    _ = stream.finish()
    return stream
  }

  static let claudeInit = #"{"type":"system","subtype":"init","session_id":"s1","model":"claude-sonnet"}"#
  static func claudeMessage(_ id: String, input: Int, output: Int) -> String {
    #"{"type":"assistant","session_id":"s1","message":{"id":"\#(id)","content":[{"type":"text","text":"hello"},{"type":"tool_use","name":"Bash","input":{"command":"ls"}}],"usage":{"input_tokens":\#(input),"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":\#(output)}}}"#
  }
  static func claudeResult(_ cost: Double, session: String = "s1", more: String = "") -> String {
    #"{"type":"result","subtype":"success","is_error":false,"result":"{\"action\":\"noop\"}","session_id":"\#(session)","duration_ms":1234,"total_cost_usd":\#(cost),"usage":{"input_tokens":1,"output_tokens":1},"modelUsage":{"claude-opus":{"inputTokens":100,"outputTokens":20,"cacheReadInputTokens":3,"cacheCreationInputTokens":4,"costUSD":\#(cost)},"claude-haiku":{"inputTokens":10,"outputTokens":2,"costUSD":0}}\#(more)}"#
  }

  @Test func `claude reports money, tokens of all models and the dearest one`() {
    let stream = Self.run(
      "claude -p", [Self.claudeInit, Self.claudeMessage("m1", input: 3, output: 2), Self.claudeResult(0.0421)])
    let usage = stream.usage()
    #expect(usage.runner == "claude" && usage.complete && usage.session == "s1" && usage.model == "claude-opus")
    #expect(usage.microUSD == 42100)
    #expect(usage.tokens == TokenCount(input: 110, cacheRead: 7, cacheWrite: 5, output: 22))
    #expect(stream.answer == .message(#"{"action":"noop"}"#))
    #expect(stream.failure == nil)
  }

  @Test func `cumulative results of one session count once`() {
    let stream = Self.run("claude -p", [Self.claudeInit, Self.claudeResult(0.10), Self.claudeResult(0.25)])
    #expect(stream.usage().microUSD == 250_000)
  }

  @Test func `another session starts anew`() {
    let stream = Self.run(
      "claude -p", [Self.claudeInit, Self.claudeResult(0.10), Self.claudeResult(0.25, session: "s2")])
    #expect(stream.usage().microUSD == 350_000)
  }

  @Test func `a killed claude has a lower bound and no price`() {
    let lines = [
      Self.claudeInit, Self.claudeMessage("m1", input: 3, output: 1), Self.claudeMessage("m1", input: 3, output: 9),
      Self.claudeMessage("m2", input: 4, output: 1),
    ]
    let usage = Self.run("claude -p", lines).usage()
    #expect(!usage.complete && usage.microUSD == nil)
    #expect(usage.tokens == TokenCount(input: 7, cacheRead: 14, cacheWrite: 10, output: 10))
  }

  @Test func `an error result still costs`() {
    let line =
      #"{"type":"result","subtype":"error_max_turns","is_error":true,"session_id":"s1","total_cost_usd":0.5,"errors":["too many"]}"#
    let stream = Self.run("claude -p", [Self.claudeInit, line])
    #expect(stream.usage().microUSD == 500_000 && stream.usage().complete)
    #expect(stream.failure?.contains("error_max_turns: too many") == true)
    #expect(stream.answer == .none)
  }

  @Test func `a refused claude says until when`() {
    let line =
      #"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1778565600,"rateLimitType":"five_hour","isUsingOverage":false}}"#
    #expect(Self.run("claude -p", [Self.claudeInit, line]).usage().rateLimitedUntil == 1_778_565_600)
    let allowed = #"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","resetsAt":1778565600}}"#
    #expect(Self.run("claude -p", [Self.claudeInit, allowed]).usage().rateLimitedUntil == nil)
  }

  @Test func `an event injected into another one's line costs neither`() {
    let message = Self.claudeMessage("m1", input: 3, output: 9)
    let cut = message.index(message.startIndex, offsetBy: 60)
    let torn = message[..<cut] + Self.claudeResult(0.5) + message[cut...]
    var stream = RunnerStream(command: "claude -p", startedAt: 0)
    let step = stream.feed(Array((Self.claudeInit + "\n" + torn + "\n").utf8))
    #expect(step.events.count == 3)
    #expect(stream.usage().microUSD == 500_000)
    #expect(stream.torn == 0)
  }

  @Test func `two events on one line are two`() {
    let stream = Self.run("claude -p", [Self.claudeInit + Self.claudeResult(0.5)])
    #expect(stream.usage().microUSD == 500_000 && stream.usage().complete)
  }

  @Test func `a line that is cut off is torn, not text`() {
    let stream = Self.run("claude -p", [Self.claudeInit, String(Self.claudeResult(0.5).dropLast(20))])
    #expect(stream.torn == 1 && !stream.usage().complete && stream.usage().microUSD == nil)
  }

  static func codexTurn(_ input: Int, _ cached: Int, _ output: Int, write: Int = 0) -> String {
    #"{"type":"turn.completed","usage":{"input_tokens":\#(input),"cached_input_tokens":\#(cached),"cache_write_input_tokens":\#(write),"output_tokens":\#(output),"reasoning_output_tokens":4}}"#
  }
  static let codexStart = [#"{"type":"thread.started","thread_id":"t1"}"#, #"{"type":"turn.started"}"#]
  static func codexMessage(_ text: String) -> String {
    #"{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"\#(text)"}}"#
  }

  @Test func `codex totals are cumulative, cached is inside of input, reasoning inside of output`() {
    let stream = Self.run(
      "codex exec --json -m gpt-5 x",
      Self.codexStart + [
        Self.codexMessage("first"), Self.codexTurn(10, 2, 5), Self.codexMessage("last"),
        Self.codexTurn(30, 6, 15, write: 1),
      ])
    let usage = stream.usage()
    #expect(usage.tokens == TokenCount(input: 23, cacheRead: 6, cacheWrite: 1, output: 15))
    #expect(usage.microUSD == nil && usage.model == "gpt-5" && usage.complete && usage.session == "t1")
    #expect(stream.answer == .message("last"))
  }

  @Test func `a resumed session is charged what came on top`() {
    let stream = Self.run("codex exec --json", Self.codexStart + [Self.codexTurn(30, 6, 15)])
    let baseline = UsageBaseline([SessionFigures(session: "t1", tokens: TokenCount(input: 8, cacheRead: 2, output: 5))])
    #expect(stream.usage(baseline: baseline).tokens == TokenCount(input: 16, cacheRead: 4, output: 10))
    let reset = UsageBaseline([SessionFigures(session: "t1", tokens: TokenCount(input: 800))])
    #expect(stream.usage(baseline: reset).tokens == TokenCount(input: 24, cacheRead: 6, output: 15))
  }

  @Test func `a failed codex turn is a failure, a passing error is not`() {
    let failed = Self.run("codex exec", Self.codexStart + [#"{"type":"turn.failed","error":{"message":"boom"}}"#])
    #expect(failed.failure == "codex: boom" && !failed.usage().complete && failed.usage().tokens == nil)
    let recovered = Self.run(
      "codex exec", Self.codexStart + [#"{"type":"error","message":"Reconnecting 1/5"}"#, Self.codexTurn(1, 0, 1)])
    #expect(recovered.failure == nil && recovered.usage().complete)
  }

  @Test(
    arguments: [
      (#"{"type":"usage_limit_reached","resets_at":1800000500}"#, 1_800_000_500),
      (#"{"type":"usage_limit_reached","resets_in_seconds":90}"#, 1090),
      ("usage limit reached", nil),
      ("something else resets_at\\\": 1800000500", nil),
    ] as [(String, Int64?)])
  func `codex says until when it is refused`(_ message: String, _ until: Int64?) {
    let line = JSON.object(["type": "turn.failed", "error": ["message": .string(message)]]).compact
    #expect(Self.run("codex exec", Self.codexStart + [line]).usage().rateLimitedUntil == until)
  }

  @Test func `a codex that is turned away in the middle of its work had a part of it`() {
    let limit =
      #"{"type":"turn.failed","error":{"message":"{\"type\":\"usage_limit_reached\",\"resets_in_seconds\":90}"}}"#
    func usage(_ items: [String]) -> RunUsage { Self.run("codex exec", Self.codexStart + items + [limit]).usage() }
    #expect(usage([]).wasTurnedAway)
    #expect(usage([#"{"type":"item.completed","item":{"type":"error","message":"x"}}"#]).wasTurnedAway)
    let worked = usage([#"{"type":"item.completed","item":{"type":"command_execution","command":"ls"}}"#])
    #expect(worked.rateLimitedUntil == 1090 && !worked.wasTurnedAway)
    #expect(RunUsage(json: worked.json) == worked)
  }

  static func step(
    _ id: String, input: Int, output: Int, reasoning: Int = 0, cost: String, reason: String = "stop"
  ) -> String {
    #"{"type":"step_finish","sessionID":"ses","part":{"id":"\#(id)","messageID":"m","reason":"\#(reason)","tokens":{"input":\#(input),"output":\#(output),"reasoning":\#(reasoning),"cache":{"read":1,"write":2}},"cost":\#(cost)}}"#
  }

  @Test func `opencode steps add up once each`() {
    let lines = [
      Self.step("p1", input: 10, output: 5, reasoning: 3, cost: "0.01", reason: "tool-calls"),
      Self.step("p1", input: 10, output: 5, reasoning: 3, cost: "0.01", reason: "tool-calls"),
      #"{"type":"text","part":{"id":"x","messageID":"m","text":"{\"action\":\"noop\"}"}}"#,
      Self.step("p2", input: 1, output: 1, cost: "0.02"),
    ]
    let stream = Self.run("opencode run --format json", lines)
    #expect(stream.usage().tokens == TokenCount(input: 11, cacheRead: 2, cacheWrite: 4, output: 9))
    #expect(stream.usage().microUSD == 30000 && stream.usage().complete && stream.usage().session == "ses")
    #expect(stream.answer == .message(#"{"action":"noop"}"#))
  }

  @Test func `an opencode cost of 0 with tokens is no price`() {
    let usage = Self.run("opencode run", [Self.step("p1", input: 10, output: 5, cost: "0")]).usage()
    #expect(usage.microUSD == nil && usage.tokens?.output == 5)
    let cut = Self.run("opencode run", [Self.step("p1", input: 1, output: 5, cost: "0.1", reason: "tool-calls")])
      .usage()
    #expect(!cut.complete)
  }

  static func pi(_ type: String, _ reason: String = "stop", text: String = "hi", cost: String = "0.01") -> String {
    #"{"type":"\#(type)","message":{"role":"assistant","model":"m","stopReason":"\#(reason)","errorMessage":"bad","content":[{"type":"text","text":"\#(text)"}],"usage":{"input":10,"output":2,"cacheRead":3,"cacheWrite":4,"totalTokens":19,"cost":{"total":\#(cost)}}}}"#
  }

  @Test func `pi counts message_end and nothing else`() {
    let lines = [
      #"{"type":"session","version":3,"id":"u","cwd":"/x"}"#, Self.pi("message_end"), Self.pi("turn_end"),
      Self.pi("message_end", text: "last"), #"{"type":"agent_end","messages":[]}"#,
    ]
    let stream = Self.run("pi -p --mode json", lines)
    #expect(stream.usage().microUSD == 20000 && stream.usage().complete && stream.usage().model == "m")
    #expect(stream.usage().tokens == TokenCount(input: 20, cacheRead: 6, cacheWrite: 8, output: 4))
    #expect(stream.answer == .message("last"))
  }

  @Test func `pi exits 0 when its model failed, and its stream says so`() {
    let stream = Self.run("pi -p", [Self.pi("message_end", "error"), #"{"type":"agent_settled"}"#])
    #expect(stream.failure == "pi: bad" && stream.answer == .none && stream.usage().microUSD == 10000)
    let unpriced = Self.run("pi -p", [Self.pi("message_end", cost: "0")])
    #expect(unpriced.usage().microUSD == nil && !unpriced.usage().complete)
  }

  @Test func `a wrapper's stream is recognised by its first event`() {
    let stream = Self.run("./decide.sh", ["warming up", Self.claudeInit, Self.claudeResult(0.5)])
    #expect(stream.usage().microUSD == 500_000 && stream.usage().runner == "claude")
    #expect(stream.answer == .message(#"{"action":"noop"}"#))
  }

  @Test func `plain output knows nothing and keeps its end`() {
    let stream = Self.run("FOO=1 env ./decide.sh", ["a", #"{"action":"noop"}"#])
    #expect(stream.usage() == RunUsage(runner: "./decide.sh"))
    #expect(stream.answer == .plain("a\n{\"action\":\"noop\"}"))
  }

  @Test func `chunks do not matter`() {
    let text = ([Self.claudeInit, Self.claudeMessage("m", input: 1, output: 2), Self.claudeResult(0.5)] + ["ü ende"])
      .joined(separator: "\r\n")
    let bytes = Array(text.utf8)
    for size in [1, 2, 3, 7, 64, 1000] {
      var stream = RunnerStream(command: "claude", startedAt: 0)
      var rendered: [String] = []
      var start = 0
      while start < bytes.count {
        rendered += stream.feed(Array(bytes[start..<min(start + size, bytes.count)])).rendered
        start += size
      }
      rendered += stream.finish().rendered
      #expect(rendered == ["hello", "▸ Bash ls", "done (1.2s · $0.5)", "ü ende"])
      #expect(stream.usage().microUSD == 500_000)
    }
  }

  @Test func `two attempts add up, and the last one answers`() {
    var stream = RunnerStream(command: "claude -p", startedAt: 0)
    _ = stream.feed(Array((Self.claudeInit + "\n" + Self.claudeResult(0.1) + "\n").utf8))
    stream.beginAttempt()
    _ = stream.feed(Array((Self.claudeResult(0.2, session: "s2") + "\n").utf8))
    #expect(stream.usage().microUSD == 300_000 && stream.usage().complete)
    stream.beginAttempt()
    _ = stream.feed(Array(Self.claudeInit.utf8))
    stream.beginAttempt()
    #expect(!stream.usage().complete)
  }

  @Test(
    arguments: [
      ("claude -p", "claude", RunnerKind.claude), ("A=1 B=2 codex exec", "codex", .codex), ("env X=1 pi -p", "pi", .pi),
      ("/usr/bin/opencode run", "/usr/bin/opencode", .opencode), ("rules", "rules", .rules), ("cat x", "cat", .plain),
      ("", "runner", .plain), ("1A=2 x", "1A=2", .plain),
    ] as [(String, String, RunnerKind)])
  func `labels`(_ command: String, _ label: String, _ kind: RunnerKind) {
    #expect(RunnerKind.label(command) == label)
    #expect(RunnerKind.of(command) == kind)
  }
}
