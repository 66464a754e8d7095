import Testing

@testable import Tenant

/// The order of lines that the real agents wrote (claude 2.1.330, codex 0.163.0), shortened.
@Suite struct OpenCallTests {
  static let user = #"{"parentUuid":null,"type":"user","message":{"role":"user","content":"hello"}}"#
  static let request = #"{"type":"api-request","sessionId":"s","id":"q1","params":{}}"#
  static let shape = #"{"type":"api-request-shape","shape":{"system":[]}}"#
  static let answer = #"{"message":{"role":"assistant","type":"message"},"requestRef":"q1","type":"assistant"}"#
  static let result =
    #"{"type":"user","message":{"content":[{"type":"tool_result"}]},"toolUseResult":{"type":"assistant"}}"#
  static let failure = #"{"type":"system","subtype":"api_error","retryAttempt":1}"#

  static let claudeCases: [([String], Bool)] = [
    ([], false), ([user], true), ([user, shape], true), ([user, request], true), ([user, request, answer], false),
    ([user, request, answer, result], false), ([user, request, answer, result, request], true),
    ([user, request, failure], false), ([user, request, failure, request, answer], false),
    // Before there were request lines.
    ([user, answer], false), ([user, answer, result], true), ([user, answer, result, answer], false),
  ]

  @Test(arguments: claudeCases)
  func `claude`(lines: [String], isOpen: Bool) { #expect(Self.isOpen(lines, ClaudeTranscript.calls) == isOpen) }

  static let prompt = #"{"type":"response_item","payload":{"type":"message","role":"user"}}"#
  static let call = #"{"type":"response_item","payload":{"type":"function_call","name":"exec_command"}}"#
  static let record = #"{"type":"token_usage_record","payload":{"thread_id":"t"}}"#
  static let output = #"{"type":"response_item","payload":{"type":"function_call_output","output":"one"}}"#
  static let count = #"{"type":"event_msg","payload":{"type":"token_count","info":{}}}"#
  static let said = #"{"type":"response_item","payload":{"type":"message","role":"assistant"}}"#

  static let codexCases: [([String], Bool)] = [
    ([], false), ([prompt], true), ([prompt, call, record], false), ([prompt, call, record, output, count], true),
    ([prompt, call, record, output, count, said], true), ([prompt, call, record, output, count, said, record], false),
    // Before there were records.
    ([prompt, call], false), ([prompt, call, output, count], true), ([prompt, call, output, said, count], false),
  ]

  @Test(arguments: codexCases)
  func `codex`(lines: [String], isOpen: Bool) { #expect(Self.isOpen(lines, CodexTranscript.calls) == isOpen) }

  static let piCases: [([String], Bool)] = [
    ([#"{"type":"message","message":{"role":"user"}}"#], true),
    ([#"{"type":"message","message":{"role":"user"}}"#, #"{"type":"message","message":{"role":"assistant"}}"#], false),
    ([#"{"message":{"role":"assistant"}}"#, #"{"message":{"role":"toolResult"}}"#], true),
  ]

  @Test(arguments: piCases)
  func `pi`(lines: [String], isOpen: Bool) { #expect(Self.isOpen(lines, PiTranscript.calls) == isOpen) }

  private static func isOpen(_ lines: [String], _ marks: OpenCall.Marks) -> Bool {
    var call = OpenCall(marks)
    for line in lines { call.take(Array(line.utf8)) }
    return call.isOpen
  }
}
