import Testing

@testable import Tenant

@Suite struct RulesDeciderTests {
  static let world: [String: JSON] = [
    "sensor-ci": [
      "signal": [
        "ok": false, "branch": "main", "count": 3, "names": ["a", "b"], "none": .null, "title": "it's; rm -rf /",
      ],
      "detail": ["n": .double(1.0)],
    ],
    "sys-sessions": ["signal": [["id": "w1", "health": "busy"], ["id": "w2", "health": "dead"]]],
    "sensor-broken": ["signal": ["error": true]],
  ]

  static func holds(_ condition: String) throws -> Bool {
    do throws(RuleFault) {
      return try RuleCondition(json: try! JSON(parsing: condition)).holds(in: world)
    } catch {
      throw error
    }
  }

  static let conditions: [(String, Bool)] = [
    (#"{"snapshot":"sensor-ci","path":"signal.ok","equals":false}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.ok","equals":true}"#, false),
    (#"{"snapshot":"sensor-ci","path":"signal.ok","not_equals":true}"#, true),
    (#"{"snapshot":"sensor-ci","path":"detail.n","equals":1}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.count","gt":2}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.count","gt":3}"#, false),
    (#"{"snapshot":"sensor-ci","path":"signal.count","lt":3.5}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.branch","gt":1}"#, false),
    (#"{"snapshot":"sensor-ci","path":"signal.branch","matches":"^ma"}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.count","matches":"^[0-9]$"}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.branch","contains":"ai"}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.names","contains":"b"}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.names","contains":"c"}"#, false),
    (#"{"snapshot":"sensor-ci","path":"signal","contains":"ok"}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.names.1","equals":"b"}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.names.2","exists":false}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.names.#","equals":2}"#, true),
    (#"{"snapshot":"sensor-ci","path":"signal.none","exists":true}"#, false),
    (#"{"snapshot":"sensor-ci","exists":true}"#, true),
    (#"{"snapshot":"sensor-nope","exists":false}"#, true),
    (#"{"snapshot":"sensor-broken","path":"signal.ok","not_equals":true}"#, false),
    (#"{"snapshot":"sensor-broken","path":"signal.ok","equals":false}"#, false),
    (#"{"snapshot":"sys-sessions","path":"signal.*.id","equals":"w2"}"#, true),
    (#"{"snapshot":"sys-sessions","path":"signal.*.id","equals":"w3"}"#, false),
    (#"{"snapshot":"sys-sessions","path":"signal.*.id","not_equals":"w3"}"#, true),
    (#"{"all":[]}"#, true),
    (#"{"any":[]}"#, false),
    (#"{"not":{"snapshot":"sensor-ci","path":"signal.ok","equals":true}}"#, true),
    (
      #"{"all":[{"snapshot":"sensor-ci","exists":true},{"any":[{"snapshot":"x","exists":true},{"snapshot":"sys-sessions","exists":true}]}]}"#,
      true
    ),
  ]

  @Test(arguments: conditions) func `a condition on the snapshots`(_ condition: String, _ expected: Bool) throws {
    #expect(try Self.holds(condition) == expected)
  }

  static let faults: [(String, String)] = [
    (#"{}"#, "it must be a list"),
    (#"[7]"#, "rules.json: rule 1: a rule is an object"),
    (#"[{"when":{"all":[]},"move":{"action":"noop"}}]"#, "\"name\" is missing"),
    (#"[{"name":"a","move":{"action":"noop"}}]"#, "rule \"a\": \"when\" is missing"),
    (#"[{"name":"a","when":{"all":[]}}]"#, "\"move\" must be an object"),
    (#"[{"name":"a","when":{"all":[]},"move":{"action":"fly"}}]"#, "needs an \"action\""),
    (#"[{"name":"a","whn":1,"when":{"all":[]},"move":{"action":"noop"}}]"#, "unknown key \"whn\""),
    (#"[{"name":"a","when":{"snapshot":"x"},"move":{"action":"noop"}}]"#, "exactly one of"),
    (#"[{"name":"a","when":{"snapshot":"x","gt":1,"lt":2},"move":{"action":"noop"}}]"#, "found: gt, lt"),
    (#"[{"name":"a","when":{"snapshot":"x","equal":1},"move":{"action":"noop"}}]"#, "unknown condition \"equal\""),
    (#"[{"name":"a","when":{"snapshot":"x","matches":"("},"move":{"action":"noop"}}]"#, "regular expression"),
    (#"[{"name":"a","when":{"snapshot":"x","gt":"1"},"move":{"action":"noop"}}]"#, "must be a number"),
    (#"[{"name":"a","when":{"snapshot":"x","path":"a..b","exists":true},"move":{"action":"noop"}}]"#, "empty part"),
    (#"[{"name":"a","when":{"all":1},"move":{"action":"noop"}}]"#, "needs a list"),
    (#"[{"name":"a","when":{"all":[],"any":[]},"move":{"action":"noop"}}]"#, "stands alone"),
    (#"[{"name":"a","when":{"all":[]},"unless":{"not":7},"move":{"action":"noop"}}]"#, "a condition is an object"),
    (
      #"[{"name":"a","when":{"all":[]},"move":{"action":"noop"}},{"name":"a","when":{"all":[]},"move":{"action":"noop"}}]"#,
      "there are two of this name"
    ),
  ]

  @Test(arguments: faults) func `a broken rule is named`(_ text: String, _ part: String) throws {
    let json = try JSON(parsing: text)
    let error = #expect(throws: RuleError.self) { try RulesDecider(json: json) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "none")")
  }

  static func decide(_ rules: String, script: Bool = false) throws -> RulesDecider.Decision {
    try RulesDecider(json: JSON(parsing: rules)).decide(world: world, promptIsScript: script)
  }

  @Test func `the first rule that holds gives the move`() throws {
    let decision = try Self.decide(
      #"""
      [{"name":"no","when":{"snapshot":"sensor-ci","path":"signal.ok","equals":true},"move":{"action":"run_shell","cmd":"a"}},
       {"name":"held","when":{"all":[]},"unless":{"snapshot":"sensor-ci","exists":true},"move":{"action":"run_shell","cmd":"b"}},
       {"name":"fix","when":{"snapshot":"sensor-ci","path":"signal.ok","equals":false},
        "move":{"action":"start_worker","id":"fix-{{sensor-ci.signal.branch}}","prompt":"{{sensor-ci.signal.count}} in {{ sensor-ci.signal.names }}","repo":"web"}},
       {"name":"later","when":{"all":[]},"move":{"action":"noop"}}]
      """#)
    #expect(decision.rule == "fix")
    #expect(
      decision.move.action == .startWorker(WorkerWish(id: "fix-main", prompt: #"3 in ["a","b"]"#, repo: "web")))
  }

  @Test func `no rule, no move`() throws {
    #expect(try Self.decide("[]").move.action == .noop(reason: "no rule holds"))
    #expect(try Self.decide("[]").rule == nil)
  }

  static let templates: [(String, String)] = [
    (#"{"action":"run_shell","cmd":"echo {{sensor-ci.signal.title}}"}"#, "which a shell would read"),
    (#"{"action":"run_shell","cmd":"{{sensor-nope.x}}"}"#, "there is no snapshot \"sensor-nope\""),
    (#"{"action":"run_shell","cmd":"{{sensor-ci.signal.nope}}"}"#, "has nothing at that path"),
    (#"{"action":"run_shell","cmd":"{{sensor-ci"}"#, "without its"),
    (#"{"action":"run_shell","cmd":"{{sensor-ci.signal.ok | upper}}"}"#, "only filter"),
    (#"{"action":"start_worker","id":"{{sensor-ci.signal.title}}","prompt":"p"}"#, "its move is not valid"),
  ]

  @Test(arguments: templates) func `a template that cannot be filled is named`(_ move: String, _ part: String) {
    let error = #expect(throws: RuleError.self) {
      try Self.decide("[{\"name\":\"t\",\"when\":{\"all\":[]},\"move\":\(move)}]")
    }
    #expect(
      error?.description.contains("rule \"t\"") == true && error?.description.contains(part) == true,
      "\(error?.description ?? "")")
  }

  @Test func `quoted values are one shell word, prose is free`() throws {
    let shell = try Self.decide(
      #"[{"name":"t","when":{"all":[]},"move":{"action":"run_shell","cmd":"echo {{sensor-ci.signal.title | quote}} {{.Name}} {{prompt_file}}"}}]"#
    )
    #expect(
      shell.move.action == .runShell(command: #"echo 'it'\''s; rm -rf /' {{.Name}} {{prompt_file}}"#, reason: nil))
    let prose =
      #"[{"name":"t","when":{"all":[]},"move":{"action":"start_worker","id":"w","prompt":"fix {{sensor-ci.signal.title}}"}}]"#
    #expect(try Self.decide(prose).move.action == .startWorker(WorkerWish(id: "w", prompt: "fix it's; rm -rf /")))
    #expect(throws: RuleError.self) { try Self.decide(prose, script: true) }
  }

  @Test func `a worker command that is a shell makes the prompt a script`() {
    #expect(RunnerConfig(.rules).promptIsScript)
    #expect(!RunnerConfig(.claude).promptIsScript)
  }

  @Test(arguments: [
    ("bash {{prompt_file}}", true), ("timeout 60 bash {{prompt_file}}", true),
    ("A=1 /bin/sh -eu {{prompt_file}}", true),
    ("nice zsh -o pipefail '{{prompt_file}}'", true), ("bash < {{prompt_file}}", true), ("bash <{{prompt_file}}", true),
    ("claude -p < {{prompt_file}}", false), ("bash run-agent.sh {{prompt_file}}", false), ("bash", false),
    ("bash {{prompt_file}}; claude -p x", false), ("A=$(claude) bash {{prompt_file}}", false),
    ("aider --shell bash --file {{prompt_file}}", false), ("bash -c {{prompt_file}}", false),
    ("bash -c 'claude < {{prompt_file}}'", false), ("./agent --shell bash run {{prompt_file}}", false),
  ]) func `a shell may be wrapped, and may run something else`(_ command: String, _ isScript: Bool) {
    var config = RunnerConfig(.custom)
    config.workerCommand = command
    #expect(config.promptIsScript == isScript, "\(command)")
  }
}
