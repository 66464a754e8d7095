import SystemPackage
import TestSupport
import Testing

@testable import Tenant

/// What a worker is charged once it has ended.
@Suite struct WorkerChargesTests {
  let scratch: ScratchDirectory
  static let start: Int64 = 1_795_471_700

  init() throws {
    scratch = try ScratchDirectory("charge")
    var record = WorkerRecord(id: "w", requestedAt: Self.start, generation: "g")
    record.startedAt = Self.start
    record.phase = .running
    try WorkerRecords(scratch.dataDir).write(record)
    try WorkerRecords(scratch.dataDir).writeBrief("do it", "w")
  }

  /// The brief is stored with its line's end.
  private func bound(_ seconds: Int64) -> Int64 { UpperBound.microUSD(promptBytes: 6, runningFor: seconds) }

  /// The charges after a look at sessions of that worker: alive or not, `minutes` after its start.
  private func charged(
    _ command: String, minutes: Int64, alive: Bool = false, unmetered: Int64? = nil
  ) throws -> [CostRow] {
    let end = Self.start + minutes * 60
    let session = Session(
      id: "w", state: alive ? .running : .exited, command: [], exitCode: 0, holder: 1, startedAt: Self.start,
      lastChange: end, isAlive: alive)
    // Looked at late: what counts is when it ended.
    try WorkerCharges(
      scratch.dataDir, environment: HostEnvironment(["HOME": scratch.path.string]),
      clock: FixedClock(Double(alive ? end : end + 86_400)).clock, configured: command, unmetered: unmetered
    ).run([session])
    var rows: [CostRow] = []
    try CostLog(scratch.dataDir).forEach { rows.append($0) }
    return rows
  }

  @Test(arguments: ["my-agent {{prompt_file}}", "claude x", "CLAUDE_CONFIG_DIR=/alt claude x", "codex x", "pi x"])
  func `who left no record is charged a bound, by the time it ran, once`(_ command: String) throws {
    let rows = try charged(command, minutes: 30)
    #expect(rows.map(\.source) == [.bound])
    #expect(rows.first?.microUSD == bound(1800))
    #expect(try charged(command, minutes: 30).count == 1)
    // A crash between the row and the mark.
    AtomicFile.remove(scratch.appending(".worker-costs.json"))
    #expect(try charged(command, minutes: 30).count == 1)
  }

  @Test func `the bound grows with the time, and never ends`() {
    let short = UpperBound.microUSD(promptBytes: 5, runningFor: 0)
    #expect(short > UpperBound.microUSD(promptBytes: 5))
    #expect(UpperBound.microUSD(promptBytes: 5, runningFor: 3600) > 20 * short)
    #expect(UpperBound.microUSD(promptBytes: 5, runningFor: -9) == short)
    #expect(UpperBound.microUSD(promptBytes: .max, runningFor: .max) > 0)
  }

  @Test func `a tenant's own figure stands in for the bound`() throws {
    #expect(try charged("my-agent", minutes: 600, unmetered: 7).map(\.microUSD) == [7])
  }

  @Test func `a script has no model, and a live agent may still write its record`() throws {
    #expect(try charged("claude x", minutes: 9, alive: true).isEmpty)
    #expect(scratch.json(".worker-costs.json")?["running"]?["w"] == nil)
    #expect(try charged("my-agent", minutes: 9, alive: true).isEmpty)
    #expect(
      scratch.json(".worker-costs.json")?["running"]?["w"]?.int == bound(540))
    #expect(try charged("bash {{prompt_file}}", minutes: 9).isEmpty)
  }
}
