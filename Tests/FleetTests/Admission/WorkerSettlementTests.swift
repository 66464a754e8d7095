import Tenant
import Testing

@testable import Fleet

@Suite struct WorkerSettlementTests {
  private static let date = CivilDate("2026-11-23")!
  private static let begun = WorkerSettlement.End(began: true, exitCode: 0)

  private static func transcript(open: Bool = false, calls: Int = 1) -> Transcript {
    var transcript = Transcript(
      runner: "claude", session: "s",
      events: (0..<calls).map {
        TranscriptEvent(id: "e\($0)", model: "claude-sonnet-4-6", tokens: TokenCount(input: 1000, output: 100))
      })
    transcript.isOpen = open
    return transcript
  }

  private static func settle(
    _ end: WorkerSettlement.End?, _ transcripts: [Transcript] = [], unread: [String] = [], failed: String? = nil,
    runner: String = "claude", age: Int64 = 60
  ) -> String {
    let reading =
      failed.map(WorkerSettlement.Reading.failed)
      ?? .found(TranscriptFinder.Finding(transcripts: transcripts, unread: unread))
    let run = RunRequest(tenant: .web, kind: .worker, runID: "w", runner: runner)
    func words(_ charges: [Charge]) -> String {
      charges.map { "\($0.eventID) \($0.source) \($0.usd)" }.joined(separator: ", ")
    }
    switch WorkerSettlement.of(end, reading: reading, run: run, age: age, prices: .shipped, on: date) {
    case .release: return "release"
    case .charge(let charges): return "charge \(words(charges))"
    case .chargeAndBind(let charges): return "charge \(words(charges)) and bind"
    case .bind: return "bind"
    case .later(let why): return "later: \(why)"
    }
  }

  @Test func `what becomes of the hold of a worker that has ended`() {
    let (one, open) = (Self.transcript(), Self.transcript(open: true))
    #expect(Self.settle(nil) == "bind", "nobody knows of it any more")
    #expect(Self.settle(.init(began: false, exitCode: nil)) == "release")
    #expect(Self.settle(Self.begun, [one]) == "charge e0 reported $0.0045".replacing("reported", with: "priced"))
    #expect(Self.settle(Self.begun) == "bind")
    #expect(Self.settle(Self.begun, failed: "no answer") == "later: no answer")
    #expect(Self.settle(Self.begun, failed: "no answer", age: 90_000) == "bind")
    #expect(Self.settle(.init(began: true, exitCode: 127)) == "release", "no program was found")
    #expect(Self.settle(.init(began: true, exitCode: 127), unread: ["claude"]) == "bind")
    #expect(Self.settle(Self.begun, [one], unread: ["claude"]) == "charge e0 priced $0.0045 and bind")
    #expect(
      Self.settle(.init(began: true, exitCode: 137), [one]) == "charge e0 priced $0.0045 and bind", "it left no end")
    #expect(Self.settle(Self.begun, [one], unread: ["opencode"]) == "charge e0 priced $0.0045")
    #expect(
      Self.settle(Self.begun, [one], unread: ["opencode"], runner: "command") == "charge e0 priced $0.0045 and bind")
    #expect(Self.settle(Self.begun, runner: "rules") == "charge ")
    // It died in a call: what it sent before with the answer (1,100 tokens), an answer of its own (8,100), and the rest of the hold.
    #expect(Self.settle(Self.begun, [open]) == "charge e0 priced $0.0045, e0/unanswered bound $0.1248 and bind")
    #expect(Self.settle(Self.begun, [Self.transcript(open: true, calls: 0)]) == "bind")
  }

  @Test func `a session's openness goes over the wire`() {
    let open = Self.transcript(open: true)
    #expect(Transcript(json: open.json) == open)
    #expect(Transcript(json: Self.transcript().json) == Self.transcript())
  }
}
