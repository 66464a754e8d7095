import Tenant
import Testing

@testable import Fleet

@Suite struct RunChargeTests {
  static let date = CivilDate(ordinal: 20_000)

  static func charge(_ usage: RunUsage) -> Charge?? {
    RunCharge.of(usage, runID: "tick-1", prices: .shipped, on: date)
  }

  @Test func `the embedded decider costs nothing`() {
    let charge = Self.charge(RunUsage(runner: "rules", complete: true))
    #expect(charge != nil && charge! == nil)
  }

  @Test func `money that the runner reported is charged as it is`() throws {
    let usage = RunUsage(
      runner: "claude", model: "claude-sonnet-4-5", tokens: TokenCount(input: 10, output: 2), microUSD: 60_000,
      complete: true)
    let charge = try #require(try #require(Self.charge(usage)))
    #expect(charge.source == .reported && charge.usd == MicroUSD(micros: 60_000) && charge.tokens.total == 12)
  }

  @Test func `tokens without money are priced, and an unknown model is dear and says so`() throws {
    let tokens = TokenCount(input: 1_000_000, output: 1000)
    let known = try #require(
      try #require(Self.charge(RunUsage(runner: "codex", model: "gpt-5", tokens: tokens, complete: true))))
    let unknown = try #require(
      try #require(Self.charge(RunUsage(runner: "codex", model: "no-such-model", tokens: tokens, complete: true))))
    #expect(known.source == .priced && !known.unpriced && known.usd > .zero)
    #expect(unknown.source == .priced && unknown.unpriced && unknown.usd > known.usd)
  }

  @Test func `a reported zero with tokens is not believed`() throws {
    let usage = RunUsage(
      runner: "opencode", tokens: TokenCount(input: 5000, output: 10), microUSD: 0, complete: true)
    let charge = try #require(try #require(Self.charge(usage)))
    #expect(charge.source == .priced && charge.usd > .zero)
  }

  @Test(arguments: [
    RunUsage(runner: "claude", tokens: TokenCount(input: 3, output: 1), complete: false),
    RunUsage(runner: "claude", complete: true), RunUsage(runner: "mystery", complete: true),
    RunUsage(runner: "claude", microUSD: 5, complete: false),
  ])
  func `what is not known is charged as the hold`(usage: RunUsage) {
    #expect(Self.charge(usage) == nil)
  }
}
