import TestSupport
import Testing

@testable import Tenant

/// What a beat makes of records that a crash, a full disk or a hand has broken: wait rather than spend, mend what can be mended.
@Suite struct BeatRecoveryTests {
  @Test(arguments: ["", "{", "[]", #"{"fails":0,"ts":1}"#, #"{"v":1,"fails":3}"#])
  func `a broken backoff is a long wait, is mended, and ends`(_ text: String) throws {
    let loop = try BeatTests.Loop(runner: BeatTests.decide(#"{"action":"noop"}"#))
    try loop.scratch.write(text, to: ".tick-backoff")
    #expect(loop.beat(force: true).report.outcome == .idle, "a forced beat waits too")
    #expect(loop.scratch.json(".tick-backoff")?["fails"]?.int == 4, "mended")
    loop.time.advance(by: 299)
    #expect(loop.beat().report.outcome == .idle)
    loop.time.advance(by: 2)
    #expect(loop.beat().report.outcome == .noop)
    #expect(!loop.scratch.exists(".tick-backoff"))
  }

  /// The clock of a machine that was put right: a failure that is still to come must not hold the loop until then.
  @Test func `a backoff from the future ends`() throws {
    let loop = try BeatTests.Loop(runner: "exit 4")
    #expect(loop.beat().report.outcome == .failed)
    loop.time.advance(by: -86_400 * 30)
    try loop.configure(BeatTests.decide(#"{"action":"noop"}"#))
    var waited = 0
    while loop.beat().report.outcome != .noop, waited < 10 {
      loop.time.advance(by: 60)
      waited += 1
    }
    #expect(waited < 10, "it waits for a time that is a month away")
  }

  @Test(arguments: ["", "{", "[]", #"{"v":1,"due":"soon"}"#, #"{"v":1,"due":-1}"#])
  func `a broken deadline neither spins nor stops the loop`(_ text: String) throws {
    let loop = try BeatTests.Loop(runner: BeatTests.decide(#"{"action":"noop"}"#))
    #expect(loop.beat().report.outcome == .noop)
    try loop.scratch.write(text, to: ".next-wake.json")
    for _ in 0..<3 {
      let outcome = loop.beat().report.outcome
      #expect(outcome == .unchanged || outcome == .noop)
    }
    #expect(loop.beat().report.outcome == .unchanged, "what was due is over")
  }

  @Test(arguments: [
    ".noop-at.json", ".last-world.json", ".last-failure.json", ".signal-flap.json", ".goal-activity.json",
  ])
  func `a record that only informs is not worth a beat`(_ name: String) throws {
    let loop = try BeatTests.Loop(runner: BeatTests.decide(#"{"action":"noop"}"#))
    for text in ["", "{", "[1]", #"{"v":7}"#] {
      try loop.scratch.write(text, to: name)
      #expect(loop.beat(force: true).report.outcome == .noop, "\(text)")
    }
  }
}
