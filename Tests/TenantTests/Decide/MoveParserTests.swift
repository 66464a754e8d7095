import Testing

@testable import Tenant

@Suite struct MoveParserTests {
  struct Valid: Sendable, CustomTestStringConvertible {
    var text: String
    var action: Action
    var testDescription: String { text }
    init(_ text: String, _ action: Action) {
      self.text = text
      self.action = action
    }
  }

  static let valid: [Valid] = [
    Valid(#"{"action":"noop"}"#, .noop(reason: nil)),
    Valid(#"{"action":"noop","reason":"calm","unknown":[1]}"#, .noop(reason: "calm")),
    Valid(#"{"action":"noop","reason":null}"#, .noop(reason: nil)),
    Valid(#"{"action":"run_shell","cmd":"ls"}"#, .runShell(command: "ls", reason: nil)),
    Valid(#"{"action":"run_shell","cmd":"ls","reason":"r"}"#, .runShell(command: "ls", reason: "r")),
    Valid(#"{"action":"write_goal","id":"a","body":"b"}"#, .writeGoal(id: "a", body: "b")),
    Valid(#"{"action":"archive_goal","id":"ä-1"}"#, .archiveGoal(id: "ä-1")),
    Valid(
      ##"{"action":"write_sensor","name":"s","script":"#!/bin/sh"}"##, .writeSensor(name: "s", script: "#!/bin/sh")),
    Valid(#"{"action":"write_playbook","body":"x"}"#, .writePlaybook(body: "x")),
    Valid(#"{"action":"start_worker","id":"w","prompt":"p"}"#, .startWorker(WorkerWish(id: "w", prompt: "p"))),
    Valid(
      #"{"action":"start_worker","id":"w","prompt":"p","command":" ","verify":"","goal":"g","repo":"web","base":"main"}"#,
      .startWorker(WorkerWish(id: "w", prompt: "p", goal: "g", repo: "web", base: "main"))),
    Valid(#"{"action":"kill_worker","id":"w"}"#, .killWorker(id: "w", reason: nil)),
    Valid(
      #"{"action":"write_schedule","name":"n","in_s":1}"#,
      .writeSchedule(name: "n", trigger: .after(seconds: 1), note: nil)),
    Valid(
      #"{"action":"write_schedule","name":"n","every_s":60,"in_s":null,"note":"x"}"#,
      .writeSchedule(name: "n", trigger: .every(seconds: 60), note: "x")),
    Valid(#"{"action":"drop_schedule","name":"n"}"#, .dropSchedule(name: "n")),
  ]

  @Test(arguments: valid) func `a valid object becomes its action`(_ row: Valid) throws {
    #expect(try MoveParser.move(file: row.text, answer: .none).action == row.action)
  }

  static let invalid: [(String, String)] = [
    (#"{}"#, "\"action\" is missing"),
    (#"{"action":null}"#, "\"action\" is missing"),
    (#"{"action":7}"#, "action must be a text"),
    (#"{"action":"fly"}"#, "unknown action \"fly\""),
    (#"[{"action":"noop"}]"#, "not a list"),
    (#""noop""#, "not a text"),
    (#"null"#, "not null"),
    (#"{"action":"noop","reason":1}"#, "reason must be a text, not a number"),
    (#"{"action":"run_shell"}"#, "\"cmd\" is missing"),
    (#"{"action":"run_shell","cmd":" \n"}"#, "cmd is empty"),
    (#"{"action":"run_shell","cmd":"a\u0000b"}"#, "NUL"),
    (#"{"action":"write_goal","id":"a"}"#, "\"body\" is missing"),
    (#"{"action":"write_goal","id":"a","body":""}"#, "body is empty"),
    (#"{"action":"write_goal","id":"a/b","body":"x"}"#, "invalid goal \"a/b\""),
    (#"{"action":"write_goal","id":".a","body":"x"}"#, "invalid goal"),
    (#"{"action":"write_goal","id":"a b","body":"x"}"#, "invalid goal"),
    (#"{"action":"archive_goal","id":""}"#, "invalid goal \"\""),
    (#"{"action":"write_sensor","name":"s","script":" "}"#, "script is empty"),
    (#"{"action":"write_playbook","body":"\n"}"#, "body is empty"),
    (#"{"action":"write_playbook"}"#, "\"body\" is missing"),
    (#"{"action":"start_worker","id":"w"}"#, "\"prompt\" is missing"),
    (#"{"action":"start_worker","id":"wörk","prompt":"p"}"#, "at most 64"),
    (#"{"action":"start_worker","id":"pulse","prompt":"p"}"#, "no worker may be called pulse"),
    (#"{"action":"start_worker","id":"w","prompt":"p","base":"main"}"#, "base needs a repo"),
    (#"{"action":"start_worker","id":"w","prompt":"p","repo":"../x"}"#, "invalid repo"),
    (#"{"action":"start_worker","id":"w","prompt":"p","command":3}"#, "command must be a text"),
    (#"{"action":"kill_worker","id":"pulse"}"#, "must not be"),
    (#"{"action":"write_schedule","name":"n"}"#, "needs in_s or every_s"),
    (#"{"action":"write_schedule","name":"n","in_s":1,"every_s":60}"#, "not both"),
    (#"{"action":"write_schedule","name":"n","in_s":0}"#, "more than 0"),
    (#"{"action":"write_schedule","name":"n","in_s":-1}"#, "whole number"),
    (#"{"action":"write_schedule","name":"n","in_s":1.5}"#, "whole number"),
    (#"{"action":"write_schedule","name":"n","every_s":59}"#, "at least 60"),
    (#"{"action":"noop","irreversible":"yes"}"#, "irreversible must be true or false"),
    ("not json", "not one JSON value"),
    ("", "not one JSON value"),
    (#"{"action":"noop"}{"action":"noop"}"#, "not one JSON value"),
    ("```json\n```json\n{\"action\":\"noop\"}\n```\n```", "not one JSON value"),
  ]

  @Test(arguments: invalid) func `an invalid object says what is wrong`(_ text: String, _ part: String) {
    let error = #expect(throws: MoveError.self) { try MoveParser.move(file: text, answer: .none) }
    #expect(error?.reason.contains(part) == true, "\(error?.reason ?? "nothing")")
  }

  @Test func `common fields`() throws {
    let move = try MoveParser.move(
      file: #"{"action":"noop","journal":"j","next_interval_s":90,"irreversible":true}"#, answer: .none)
    #expect(move.journal == "j" && move.nextInterval == 90 && move.irreversible)
    for bad in ["-1", "1.5", "\"7\"", "null", "true"] {
      let move = try MoveParser.move(file: "{\"action\":\"noop\",\"next_interval_s\":\(bad)}", answer: .none)
      #expect(move.nextInterval == nil)
    }
    for bad in ["7", "null", "\" \"", "[]"] {
      #expect(try MoveParser.move(file: "{\"action\":\"noop\",\"journal\":\(bad)}", answer: .none).journal == nil)
    }
  }

  @Test func `the file wins over the answer`() throws {
    let move = try MoveParser.move(file: #"{"action":"noop","reason":"file"}"#, answer: .message(#"{"action":"noop"}"#))
    #expect(move.action == .noop(reason: "file"))
  }

  static let answers: [(RunnerAnswer, String?)] = [
    (.message(#"{"action":"noop","reason":"x"}"#), "x"),
    (.message("```json\n{\"action\":\"noop\",\"reason\":\"x\"}\n```"), "x"),
    (.message("```\n{\"action\":\"noop\",\"reason\":\"x\"}\n```\n"), "x"),
    (.message("Here it is:\n\n{\"action\":\"noop\",\"reason\":\"x\"}\n\nDone."), "x"),
    (.message("Ich wähle {das}: {\"action\":\"noop\",\"reason\":\"x\"}"), "x"),
    (.message(#"{"action":"noop"} {"action":"noop"}"#), nil),
    (.message(#"the reading {"ok":false} says {"action":"noop"}"#), nil),
    (.message("```json\n```json\n{\"action\":\"noop\"}\n```\n```"), nil),
    (.message(""), nil),
    (.message("I would rather not."), nil),
    (.none, nil),
    (.plain("starting\n{\"level\":\"info\"}\n{\"action\":\"noop\",\"reason\":\"x\"}\nbye"), "x"),
    (.plain("{\"action\":\"noop\",\"reason\":\"x\"}\n{\"action\":\"noop\",\"reason\":\"x\"}"), "x"),
    (.plain("{\"action\":\"noop\",\"reason\":\"x\"}\n{\"action\":\"noop\",\"reason\":\"y\"}"), nil),
    (.plain("nothing here"), nil),
    (.plain("{\"level\":\"info\"}"), nil),
  ]

  @Test(arguments: answers) func `the answer holds the one move`(_ answer: RunnerAnswer, _ reason: String?) {
    if let reason {
      #expect((try? MoveParser.move(file: nil, answer: answer))?.action == .noop(reason: reason))
    } else {
      #expect(throws: MoveError.self) { try MoveParser.move(file: nil, answer: answer) }
    }
  }

  @Test func `nothing at all is no decision`() {
    let error = #expect(throws: MoveError.self) { try MoveParser.move(file: nil, answer: .none) }
    #expect(error?.code == .absent)
  }

  @Test func `hostile braces cost linear time`() {
    let text = String(repeating: "{\"a\":", count: 200_000)
    #expect(throws: MoveError.self) { try MoveParser.move(file: nil, answer: .message(text)) }
    #expect(throws: MoveError.self) { try MoveParser.move(file: text, answer: .none) }
  }
}
