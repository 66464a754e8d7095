import Testing

@testable import Tenant

/// What `cost.jsonl` says of a run, and how sure it says it is.
@Suite struct RunChargeTests {
  static let date = CivilDate("2026-11-20")!

  static func usage(
    _ usd: Int64?, complete: Bool = true, model: String? = nil, tokens: TokenCount? = nil, limited: Int64? = nil,
    worked: Bool = false
  ) -> RunUsage {
    RunUsage(
      runner: "codex", model: model, session: "s", tokens: tokens, microUSD: usd, complete: complete,
      rateLimitedUntil: limited, worked: worked)
  }

  static let runs: [(RunUsage?, RunCharge)] = [
    (nil, RunCharge(1000, .bound)),
    (usage(42), RunCharge(42, .reported)),
    (usage(0), RunCharge(0, .reported)),
    (usage(nil), RunCharge(1000, .bound)),
    // gpt-5: $1.25, $0.125 from the cache, $10 out, for a million.
    (usage(nil, model: "gpt-5", tokens: TokenCount(input: 800, cacheRead: 800, output: 100)), RunCharge(2100, .priced)),
    // A model that is in no list: the dearest of each bucket, and it says so.
    (usage(nil, model: "local-7b", tokens: TokenCount(input: 100, output: 10)), RunCharge(2250, .bound)),
    (usage(nil, tokens: TokenCount(output: 10)), RunCharge(750, .bound)),
    // Money of 0 beside tokens is no price.
    (usage(0, model: "gpt-5", tokens: TokenCount(input: 800)), RunCharge(1000, .priced)),
    (usage(0, model: "local-7b", tokens: TokenCount(input: 100)), RunCharge(1500, .bound)),
    (usage(42, model: "gpt-5", tokens: TokenCount(input: 800)), RunCharge(42, .reported)),
    // Cut off: at least what was reserved.
    (usage(42, complete: false), RunCharge(1000, .bound)),
    (usage(5000, complete: false), RunCharge(5000, .bound)),
    (usage(nil, complete: false, model: "gpt-5", tokens: TokenCount(output: 750)), RunCharge(7500, .bound)),
    // Turned away by the provider before any work.
    (usage(nil, complete: false, limited: 9), RunCharge(0, .reported)),
    (usage(nil, complete: false, limited: 9, worked: true), RunCharge(1000, .bound)),
    (usage(nil, complete: false, model: "gpt-5", tokens: TokenCount(output: 1), limited: 9), RunCharge(1000, .bound)),
    // Figures that no run can have stop the loop; they do not stop the program.
    (usage(nil, model: "gpt-5", tokens: TokenCount(input: .max, output: .max)), RunCharge(.max, .priced)),
  ]

  @Test(arguments: runs) func `what a run is charged`(_ usage: RunUsage?, _ charge: RunCharge) {
    #expect(RunCharge.of(usage, reserved: 1000, on: Self.date) == charge)
  }

  @Test func `the model that the run was started with prices a stream that names none`() {
    let usage = Self.usage(nil, tokens: TokenCount(output: 100))
    #expect(
      RunCharge.of(usage, model: "gpt-5", reserved: 1, on: Self.date) == RunCharge(1000, .priced))
  }

  static func call(_ id: String, _ model: String?, _ microUSD: Int64? = nil) -> TranscriptEvent {
    TranscriptEvent(id: id, model: model, tokens: TokenCount(output: 100), microUSD: microUSD)
  }

  static let sessions: [([TranscriptEvent], [Transcript.Sum], RunCharge)] = [
    ([], [], RunCharge(0, .reported)),
    ([call("a", "gpt-5"), call("b", "gpt-5")], [.init(events: 2, microUSD: 70)], RunCharge(70, .reported)),
    ([call("a", "gpt-5"), call("b", "gpt-5")], [.init(events: 1, microUSD: 70)], RunCharge(1070, .priced)),
    ([call("a", "gpt-5", 5), call("b", "gpt-5")], [], RunCharge(1005, .priced)),
    ([call("a", "gpt-5"), call("b", "local-7b")], [], RunCharge(8500, .bound)),
    ([call("a", "gpt-5", .max), call("b", "gpt-5", .max)], [], RunCharge(.max, .reported)),
  ]

  @Test(arguments: sessions)
  func `what a worker's session is charged`(
    _ events: [TranscriptEvent], _ sums: [Transcript.Sum], _ charge: RunCharge
  ) {
    let transcript = Transcript(runner: "codex", session: "s", events: events, sums: sums)
    #expect(RunCharge.of(transcript, on: Self.date) == charge)
  }

  @Test func `the report names what no runner reported`() {
    var report = CostReport()
    let rows: [(CostRow.Source?, Int64)] = [(nil, 1_000_000), (.reported, 500_000), (.priced, 20_000), (.bound, 3000)]
    for (source, amount) in rows {
      report.add(CostRow(ts: 1_760_000_000, kind: "tick", id: "t", runner: "codex", microUSD: amount, source: source))
    }
    #expect(
      report.table.hasSuffix(
        "\nof that, $0.02 is tokens by the price list, and $0.003 is an upper bound, where nothing better was known"))
    #expect(report.json["days"]?.array?[0]["priced_usd"]?.double == 0.02)
    #expect(report.json["total"]?["bound_usd"]?.double == 0.003)
    #expect(report.json["total"]?["cost_usd"]?.double == 1.523)
    var plain = CostReport()
    plain.add(CostRow(ts: 1_760_000_000, kind: "tick", id: "t", runner: "claude", microUSD: 1, source: .reported))
    #expect(!plain.table.contains("of that"))
  }
}
