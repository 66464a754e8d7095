import Testing

@testable import Tenant

/// Runners whose programs are not at hand here: each trap of their streams that is on record elsewhere has its row.
@Suite struct ForeignStreamTests {
  static func step(
    _ id: String, tokens: String = #"{"input":10,"output":5,"reasoning":3,"cache":{"read":1,"write":2}}"#,
    cost: String = #","cost":0.01"#, reason: String = "stop"
  ) -> String {
    #"{"type":"step_finish","sessionID":"ses","part":{"id":"\#(id)","messageID":"m","reason":"\#(reason)","tokens":\#(tokens)\#(cost)}}"#
  }

  static func text(_ id: String, _ message: String, _ text: String, type: String = "text") -> String {
    #"{"type":"\#(type)","sessionID":"ses","part":{"id":"\#(id)","messageID":"\#(message)","text":"\#(text)"}}"#
  }

  struct Row: Sendable {
    var trap: String
    var lines: [String]
    var tokens: TokenCount?
    var microUSD: Int64?
    var complete = true
    var answer: RunnerAnswer = .none
    var failure: String?
  }

  static let zeros = #"{"input":0,"output":0,"reasoning":0,"cache":{"read":0,"write":0}}"#
  static let one = TokenCount(input: 10, cacheRead: 1, cacheWrite: 2, output: 8)

  static let opencode: [Row] = [
    Row(trap: "reasoning is beside output", lines: [step("a")], tokens: one, microUSD: 10000),
    Row(trap: "a step is told twice", lines: [step("a"), step("a")], tokens: one, microUSD: 10000),
    Row(trap: "all tokens are zero, and so is the cost", lines: [step("a", tokens: zeros, cost: #","cost":0"#)]),
    Row(trap: "tokens without a cost", lines: [step("a", cost: "")], tokens: one),
    Row(trap: "a subscription costs 0", lines: [step("a", cost: #","cost":0"#)], tokens: one),
    Row(
      trap: "one step has a price, the other none", lines: [step("a"), step("b", cost: "")],
      tokens: TokenCount(input: 20, cacheRead: 2, cacheWrite: 4, output: 16)),
    Row(
      trap: "figures at the top level are somebody else's",
      lines: [
        #"{"type":"step_finish","sessionID":"ses","tokens":{"input":99},"cost":9,"part":{"id":"a","reason":"stop"}}"#
      ]),
    Row(
      trap: "a step for a tool is not the end", lines: [step("a", reason: "tool-calls")], tokens: one, microUSD: 10000,
      complete: false),
    Row(
      trap: "a part grows: its last text counts", lines: [text("p", "m", "{"), text("p", "m", "{}"), step("a")],
      tokens: one,
      microUSD: 10000, answer: .message("{}")),
    Row(
      trap: "an earlier message's text is not the answer",
      lines: [text("p", "m1", "let me look"), text("q", "m2", "{}"), step("a")], tokens: one, microUSD: 10000,
      answer: .message("{}")),
    Row(
      trap: "thinking aloud is no answer", lines: [text("p", "m", "hmm", type: "reasoning"), step("a")], tokens: one,
      microUSD: 10000),
    Row(
      trap: "an error after a step",
      lines: [
        step("a", reason: "tool-calls"),
        #"{"type":"error","sessionID":"ses","error":{"name":"ProviderAuthError","data":{"message":"no key"}}}"#,
      ],
      tokens: one, microUSD: 10000, complete: false, failure: "opencode: no key"),
    Row(
      trap: "an error without words", lines: [#"{"type":"error","error":{"name":"UnknownError"}}"#], complete: false,
      failure: "opencode: UnknownError"),
    Row(
      trap: "broken figures",
      lines: [step("a", tokens: #"{"input":"many","output":-5,"cache":7}"#, cost: #","cost":"free""#)]
    ),
  ]

  @Test(arguments: opencode) func `what opencode says, and what it does not`(_ row: Row) {
    let stream = RunnerStreamTests.run("opencode run --format json --model anthropic/claude-sonnet-4-5", row.lines)
    expect(stream, row)
    #expect(stream.usage().model == "anthropic/claude-sonnet-4-5", "its events name none")
  }

  static func message(
    _ type: String = "message_end", role: String = "assistant", reason: String = "stop",
    content: String = #"[{"type":"text","text":"{}"}]"#,
    usage: String = #"{"input":10,"output":8,"cacheRead":1,"cacheWrite":2,"totalTokens":21,"cost":{"total":0.01}}"#
  ) -> String {
    #"{"type":"\#(type)","message":{"role":"\#(role)","model":"m","stopReason":"\#(reason)","errorMessage":"bad","content":\#(content),"usage":\#(usage)}}"#
  }
  static let begin = [#"{"type":"session","version":3,"id":"u","cwd":"/x"}"#, #"{"type":"agent_start"}"#]
  static let end = #"{"type":"agent_end","messages":[]}"#
  static let retry =
    #"{"type":"auto_retry_start","attempt":1,"maxAttempts":3,"delayMs":2000,"errorMessage":"overloaded"}"#

  static let pi: [Row] = [
    Row(
      trap: "the same message thrice", lines: [message(), message("turn_end"), end], tokens: one, microUSD: 10000,
      answer: .message("{}")),
    Row(
      trap: "a human's and a tool's message",
      lines: [message(role: "user"), message(role: "toolResult"), message(), end],
      tokens: one, microUSD: 10000, answer: .message("{}")),
    Row(
      trap: "the newer end", lines: [message(), #"{"type":"agent_settled"}"#], tokens: one, microUSD: 10000,
      answer: .message("{}")),
    Row(
      trap: "an end that is tried again", lines: [message(reason: "error"), end, retry], tokens: one, microUSD: 10000,
      complete: false, failure: "pi: bad"),
    Row(
      trap: "a try that succeeds", lines: [message(reason: "error"), end, retry, message(), end],
      tokens: TokenCount(input: 20, cacheRead: 2, cacheWrite: 4, output: 16), microUSD: 20000, answer: .message("{}")),
    Row(trap: "aborted", lines: [message(reason: "aborted"), end], tokens: one, microUSD: 10000, failure: "pi: bad"),
    Row(
      trap: "a price of 0 is none",
      lines: [message(usage: #"{"input":10,"output":8,"cacheRead":1,"cacheWrite":2,"cost":{"total":0}}"#), end],
      tokens: one, answer: .message("{}")),
    Row(
      trap: "no price at all", lines: [message(usage: #"{"input":10,"output":8,"cacheRead":1,"cacheWrite":2}"#), end],
      tokens: one, answer: .message("{}")),
    Row(
      trap: "nothing used", lines: [message(usage: #"{"input":0,"output":0,"cost":{"total":0}}"#), end],
      tokens: TokenCount(), microUSD: 0, answer: .message("{}")),
    Row(
      trap: "a text as it is", lines: [message(content: #""{}""#), end], tokens: one, microUSD: 10000,
      answer: .message("{}")),
    Row(
      trap: "thoughts and tool calls beside the text",
      lines: [
        message(
          content: #"[{"type":"thinking","thinking":"hm"},{"type":"text","text":"{}"},{"type":"toolCall","name":"x"}]"#),
        end,
      ],
      tokens: one, microUSD: 10000, answer: .message("{}")),
    Row(
      trap: "killed before its end", lines: [message()], tokens: one, microUSD: 10000, complete: false,
      answer: .message("{}")),
    Row(trap: "a message without figures", lines: [message(usage: "null"), end], answer: .message("{}")),
  ]

  @Test(arguments: pi) func `what pi says, and what it does not`(_ row: Row) {
    let stream = RunnerStreamTests.run("pi -p --mode json", begin(row))
    expect(stream, row)
    #expect(stream.usage().session == "u")
  }

  private func begin(_ row: Row) -> [String] { Self.begin + row.lines }

  private func expect(_ stream: RunnerStream, _ row: Row) {
    let usage = stream.usage()
    #expect(usage.tokens == row.tokens, "\(row.trap)")
    #expect(usage.microUSD == row.microUSD, "\(row.trap)")
    #expect(usage.complete == row.complete, "\(row.trap)")
    #expect(stream.answer == row.answer, "\(row.trap)")
    #expect(stream.failure == row.failure, "\(row.trap)")
  }
}
