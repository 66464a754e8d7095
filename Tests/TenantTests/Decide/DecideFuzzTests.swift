import TestSupport
import Testing

@testable import Tenant

/// Random and mutated inputs, by seed: no crash, no hang, and every refusal has words.
@Suite struct DecideFuzzTests {
  static let seeds: [String] =
    MoveParserTests.valid.map(\.text) + MoveParserTests.invalid.map(\.0) + [
      RunnerStreamTests.claudeInit, RunnerStreamTests.claudeMessage("m1", input: 3, output: 2),
      RunnerStreamTests.claudeResult(0.25), RunnerStreamTests.codexMessage("hi"), RunnerStreamTests.codexTurn(10, 2, 5),
      RunnerStreamTests.step("p", input: 1, output: 2, cost: "0.5"), RunnerStreamTests.pi("message_end"),
      #"{"type":"turn.failed","error":{"message":"usage_limit {\"resets_at\": 1800000000}"}}"#,
    ] + RunnerStreamTests.codexStart
    + [
      #"[{"name":"a","when":{"all":[{"snapshot":"sensor-x","path":"signal.*.a","matches":"^a+$"}]},"move":{"action":"run_shell","cmd":"{{sensor-x.signal | quote}}"}}]"#
    ]

  static let splices: [[UInt8]] = [
    Array("{\"type\":".utf8), Array("```json\n".utf8), [0x0A], [0x00], [0xFF, 0xFE], Array("\\ud800".utf8),
    Array("9999999999999999999999".utf8),
    Array("-0".utf8), Array("1e999".utf8), Array("{{".utf8), Array("}}".utf8), Array("null".utf8), Array("\"".utf8),
    Array("[".utf8),
    Array(String(repeating: "[", count: 300).utf8), Array("=== NOW ===".utf8),
  ]

  static func mutated(_ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = Array(seeds.randomElement(using: &generator)!.utf8)
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let place = Int.random(in: 0...bytes.count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes.insert(contentsOf: splices.randomElement(using: &generator)!, at: place)
      case 1: bytes = Array(bytes[..<place])
      case 2: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
      case 3: bytes.insert(contentsOf: Array(seeds.randomElement(using: &generator)!.utf8), at: place)
      default:
        let end = min(bytes.count, place + Int.random(in: 0...9, using: &generator))
        bytes.removeSubrange(place..<end)
      }
    }
    return bytes
  }

  @Test func `10,000 move texts`() {
    var generator = SeededGenerator(seed: 1)
    var accepted = 0
    for _ in 0..<10_000 {
      let text = String(decoding: Self.mutated(&generator), as: UTF8.self)
      for answer in [RunnerAnswer.message(text), .plain(text)] {
        do throws(MoveError) {
          let move = try MoveParser.move(file: nil, answer: answer)
          accepted += 1
          // What is accepted survives being written down.
          #expect(Move(json: move.json) == move)
        } catch {
          #expect(!error.reason.isEmpty && error.reason.utf8.count < 4000)
        }
      }
    }
    #expect(accepted > 100)
  }

  @Test func `10,000 stream lines in random chunks`() {
    var generator = SeededGenerator(seed: 2)
    let commands = ["claude -p", "codex exec --json", "opencode run", "pi -p", "./mine", "rules"]
    for round in 0..<1000 {
      var stream = RunnerStream(command: commands[round % commands.count], startedAt: 1000)
      var bytes: [UInt8] = []
      for _ in 0..<10 { bytes += Self.mutated(&generator) + [0x0A] }
      while !bytes.isEmpty {
        let count = min(bytes.count, Int.random(in: 1...200, using: &generator))
        let step = stream.feed(Array(bytes[..<count]))
        for line in step.rendered { #expect(line.count <= Rendering.maximumCharacters + 20) }
        for event in step.events { #expect((try? JSON(parsing: event)) != nil) }
        bytes.removeFirst(count)
      }
      _ = stream.finish()
      let usage = stream.usage()
      #expect((usage.microUSD ?? 0) >= 0 && (usage.tokens?.total ?? 0) >= 0)
      _ = RunCharge.of(usage, reserved: 1, on: CivilDate(ordinal: 0))
      #expect(RunUsage(json: usage.json) == usage)
    }
  }

  @Test func `10,000 rules files`() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<10_000 {
      var bytes = Self.mutated(&generator)
      if Bool.random(using: &generator) { bytes = [0x5B] + bytes + [0x5D] }
      guard let json = try? JSON(parsing: bytes) else { continue }
      do throws(RuleError) {
        _ = try RulesDecider(json: json).decide(world: ["sensor-x": json], promptIsScript: true)
      } catch {
        #expect(error.description.hasPrefix("rules.json"))
      }
    }
  }

  @Test func `500 hostile prompts keep their headers`() {
    var generator = SeededGenerator(seed: 4)
    let clean = PromptTests.headers(Prompt.build(PromptTests.full("")).text)
    for _ in 0..<500 {
      let evil = String(decoding: (0..<20).flatMap { _ in Self.mutated(&generator) }, as: UTF8.self)
      #expect(PromptTests.headers(Prompt.build(PromptTests.full(evil)).text) == clean)
    }
  }

  @Test func `random bytes in every state file`() throws {
    var generator = SeededGenerator(seed: 5)
    let scratch = try ScratchDirectory()
    let names = [
      ".tick-backoff", ".noop-at.json", ".next-wake.json", ".last-failure.json", ".decide-ledger.json",
      ".cost-hold.json",
      ".rate-limit.json", ".runner-sessions.json", "config.json", "cost.jsonl", "rules.json",
    ]
    for _ in 0..<300 {
      for name in names { try AtomicFile.write(Self.mutated(&generator), to: scratch.appending(name)) }
      let data = scratch.dataDir
      _ = (
        Backoff.read(data), NoopMark.read(data), NextWake.read(data), LastFailure.read(data), DecideLedger.read(data)
      )
      _ = (
        UsageBaseline.read(data), RunnerConfig.read(scratch.appending("config.json")),
        try? RulesDecider.load(data.rules)
      )
      var admission = StandaloneAdmission(
        data, config: nil, environment: HostEnvironment([:]), clock: FixedClock().clock)
      _ = admission.admit(AdmissionTests.wish())
      _ = try CostReport.read(data).table
    }
  }
}
