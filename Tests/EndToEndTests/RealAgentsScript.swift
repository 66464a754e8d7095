import SystemPackage
import Tenant
import TestSupport

/// What the scripted model does in these tests: a tick starts a worker, later ticks do nothing; the worker asks for a colour with its own
/// shell tool, stands still, writes down what it was told and ends itself. The token counts are the test's to check.
enum RealAgentsScript {
  static let goal = "make the colour file"

  static let start = TokenCount(input: 1111, output: 77)
  static let idle = TokenCount(input: 1200, output: 60)
  /// Of the worker's three answers together.
  static let worker = TokenCount(input: 9000, output: 90)

  static var rules: [JSON] {
    let move: JSON = [
      "action": "start_worker", "id": "w1", "goal": "colour", "prompt": "Ask for a colour, and write it down.",
    ]
    return [
      [
        "match": "TOOL_RESULT.*done-writing", "bash": #""$LOOOP_BIN" _ kill w1"#, "input_tokens": 4000,
        "output_tokens": 40,
      ],
      [
        "match": "TOOL_RESULT.*blue", "bash": #"echo blue >"$LOOOP_DATA_DIR/reports/w1"; echo done-writing"#,
        "input_tokens": 3000, "output_tokens": 30,
      ],
      [
        "match": "You are worker `w1`", "bash": #""$LOOOP_BIN" _ ask w1 --prompt 'Which colour?' --options blue,red"#,
        "input_tokens": 2000, "output_tokens": 20,
      ],
      ["match": "a slow goal", "delay_s": 90, "reply": "{}"],
      [
        "match": .string(goal), "once": true, "reply": .string(move.compact), "input_tokens": 1111,
        "output_tokens": 77,
      ],
      // An answer of its own: the model's default has no figures of ours.
      ["match": "", "reply": #"{"action":"noop","reason":"nothing"}"#, "input_tokens": 1200, "output_tokens": 60],
    ]
  }

  /// The preset's commands, for a machine where the agents are not on the path and the tests may be root's.
  static func configuration(_ preset: Preset) -> JSON {
    func command(_ text: String?) -> JSON {
      .string("env IS_SANDBOX=1 MOCK_KEY=x \(RealAgents.directory)/bin/\(text ?? "")")
    }
    return [
      "tick_command": command(preset.tickCommand), "worker_command": command(preset.workerCommand),
    ]
  }
}
