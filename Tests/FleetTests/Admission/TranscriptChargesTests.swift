import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// From a runner's transcript to the ledger.
@Suite struct TranscriptChargesTests {
  private static let date = CivilDate("2026-11-23")!

  private func event(
    _ id: String, _ input: Int64, _ output: Int64, model: String? = "claude-sonnet-4-6", usd: Int64? = nil
  )
    -> TranscriptEvent
  {
    TranscriptEvent(id: id, model: model, tokens: TokenCount(input: input, output: output), microUSD: usd)
  }

  private func charges(_ transcript: Transcript) -> [String] {
    TranscriptCharges.of(transcript, prices: .shipped, on: Self.date).map {
      "\($0.eventID) \($0.source) \($0.usd)\($0.unpriced ? " unpriced" : "")"
    }
  }

  @Test func `a call is priced, and its stretch's own money replaces that to the last micro-dollar`() {
    var transcript = Transcript(
      runner: "claude", events: [event("a", 1000, 100), event("b", 2000, 100), event("c", 3000, 0)])
    #expect(charges(transcript) == ["a priced $0.0045", "b priced $0.0075", "c priced $0.009"])
    transcript.sums = [Transcript.Sum(events: 2, microUSD: 10_001)]
    #expect(charges(transcript) == ["a reported $0.00375", "b reported $0.006251", "c priced $0.009"])
  }

  @Test func `an unknown model is dear and shown, a runner's own money is taken`() {
    let transcript = Transcript(
      runner: "pi", events: [event("a", 1000, 0, model: "gpt-99"), event("b", 1000, 0, model: "gpt-99", usd: 70)])
    #expect(charges(transcript) == ["a priced $0.015 unpriced", "b reported $0.00007"])
  }

  @Test func `the same transcript read again and grown is charged once`() throws {
    let fixture = try LedgerFixture()
    let rules = fixture.rules(.web, BudgetCaps(usd: MicroUSD(micros: 1_000_000)))
    let id = try #require(
      try fixture.reserve(fixture.request(kind: .worker), worst: 500_000, caps: rules.caps).granted)
    func meter(_ transcript: Transcript) throws -> Int64 {
      try fixture.ledger.meter(
        id, of: .web, charges: TranscriptCharges.of([transcript], prices: .shipped, on: Self.date), tenant: rules,
        fleet: fixture.fleet, now: fixture.now)
      return try fixture.state(.web, rules.caps).usd.spent
    }
    var transcript = Transcript(runner: "claude", session: "s", events: [event("a", 1000, 1)])
    #expect(try meter(transcript) == 3015)
    #expect(try meter(transcript) == 3015)
    transcript.events[0].tokens.output = 100
    transcript.events.append(event("b", 1000, 100))
    #expect(try meter(transcript) == 9000)
    transcript.sums = [Transcript.Sum(events: 2, microUSD: 8_888)]
    #expect(try meter(transcript) == 8_888, "the runner's own word corrects it")
    #expect(try fixture.ledger.audited() == [])
  }

  // MARK: - The real agents against a scripted model

  @Test(
    .enabled(if: RealAgents.arePresent, "needs the real claude and codex, and a scripted model"),
    .timeLimit(.minutes(2)))
  func `the real claude's and codex's transcripts come to what the model served`() throws {
    let agents = RealAgents.directory
    let shared = try #require(SharedDirectory.path)
    let scratch = try ScratchDirectory("agents")
    try scratch.write(
      """
      [{"match":"TOOL_RESULT.*two","reply":"done","input_tokens":3333,"output_tokens":33},
       {"match":"TOOL_RESULT.*one","bash":"echo two","input_tokens":2222,"output_tokens":22},
       {"match":"","bash":"echo one","input_tokens":1111,"output_tokens":11}]
      """, to: "rules.json")
    try scratch.write(
      """
      cd \(scratch.path); mkdir -p work home/.codex
      python3 \(shared)/real-agents/mock_llm.py --port 0 --script rules.json --port-file port --max-seconds 100 >mock.out 2>&1 &
      mock=$!
      trap 'kill $mock' EXIT
      for i in $(seq 100); do [ -s port ] && break; sleep 0.1; done
      port=$(cat port)
      export HOME=$PWD/home ANTHROPIC_BASE_URL=http://127.0.0.1:$port ANTHROPIC_API_KEY=sk-test MOCK_KEY=x
      export DISABLE_TELEMETRY=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 IS_SANDBOX=1
      unset CLAUDE_CONFIG_DIR CODEX_HOME
      printf 'model = "gpt-5"\\nmodel_provider = "mock"\\n[model_providers.mock]\\nname = "mock"\\nbase_url = "http://127.0.0.1:%s/v1"\\nenv_key = "MOCK_KEY"\\nwire_api = "responses"\\n' $port >home/.codex/config.toml
      cd work
      echo hello | timeout 60 \(agents)/bin/claude -p --output-format json --model sonnet --dangerously-skip-permissions >../claude.json
      timeout 60 \(agents)/bin/codex exec --json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox hello </dev/null >../codex.json 2>/dev/null
      """, to: "run.sh")
    #expect(Shell.succeeds("bash \(scratch.path)/run.sh"))
    let finding = TranscriptFinder(environment: HostEnvironment(["HOME": scratch.appending("home").string]))
      .find(directory: scratch.appending("work"), since: 0)
    #expect(finding.transcripts.map(\.runner).sorted() == ["claude", "codex"])
    let date = CivilDate(utc: HostClock.system.now)
    for transcript in finding.transcripts {
      let tokens = transcript.events.map(\.tokens).reduce(TokenCount(), +)
      #expect(tokens == TokenCount(input: 6666, output: 66), "\(transcript.runner)")
      let charged = TranscriptCharges.of(transcript, prices: .shipped, on: date).map(\.usd).reduce(.zero, +)
      if transcript.runner == "claude" {
        let result = try #require(scratch.json("claude.json"))
        let last = result.array?.last ?? result
        #expect(charged == MicroUSD(reported: try #require(last["total_cost_usd"]?.double)))
      } else {
        // The price table's word: 6666 × $1.25 and 66 × $10 per million, each call to the nearest micro-dollar.
        #expect(abs(charged.micros - 8993) <= 3)
      }
    }
  }
}
