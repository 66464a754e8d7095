import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

/// Whose a session is, where several workers share a directory and none is named in it.
@Suite struct WorkerUsageTests {
  private static func worker(_ id: String, _ startedAt: Int64, sandbox: String? = nil) -> WorkerRecord {
    var record = WorkerRecord(id: id, requestedAt: startedAt, generation: id)
    record.startedAt = startedAt
    record.sandbox = sandbox
    return record
  }

  private static func session(_ times: [Int64]) -> Transcript {
    Transcript(
      runner: "claude", session: "s", startedAt: times.first,
      events: times.map { TranscriptEvent(id: "\($0)", model: nil, tokens: TokenCount(output: 1), at: $0) })
  }

  /// Workers a (from 100), b (from 200) and c (from 300) in one directory.
  static let sessions: [(times: [Int64], alive: Set<String>, owner: String?)] = [
    ([90], [], nil),
    ([110, 150], ["a"], "a"),
    ([110, 250], ["a", "b"], "a"),
    ([210], ["a", "b"], "b"),
    ([210, 350], ["a", "b", "c"], "b"),
    ([310], ["a", "b", "c"], "c"),
    // From before all of them, and taken up again.
    ([50, 120], ["a"], "a"),
    ([50, 220], ["a", "b"], "b"),
    ([50, 120, 220], ["a", "b"], "a"),
    ([50, 120, 220], ["b"], "b"),
    // Of one that has ended.
    ([110, 250], ["b"], "b"),
  ]

  @Test(arguments: sessions)
  func `a session is of one worker`(times: [Int64], alive: Set<String>, owner: String?) {
    let all = [
      Self.worker("a", 100), Self.worker("b", 200), Self.worker("c", 300), Self.worker("x", 105, sandbox: "/x"),
    ]
    let owners = all.filter { record in
      record.sandbox == nil && times.contains { $0 >= record.startedAt! }
        && WorkerUsage.isOf(record, Self.session(times), among: all) { alive.contains($0.id) }
    }.map(\.id)
    // One that has ended was settled before: it may claim what it used.
    #expect(owners.filter(alive.contains) == [owner].compactMap(\.self))
  }

  @Test func `workers that share the data dir are charged their own sessions`() throws {
    let scratch = try ScratchDirectory("shared")
    let data = scratch.dataDir
    func session(_ name: String, at stamp: String) throws {
      let line =
        #"{"type":"assistant","sessionId":"\#(name)","cwd":"\#(data.root)","timestamp":"\#(stamp)","requestId":"\#(name)","message":{"id":"m","model":"sonnet","usage":{"input_tokens":1,"output_tokens":1}}}"#
      try scratch.write(line + "\n", to: ".claude/projects/-w/\(name).jsonl")
    }
    let start = Timestamp.unix("2026-11-23T22:00:00.000Z")!
    let records = [Self.worker("first", start), Self.worker("second", start + 60)]
    for record in records { try WorkerRecords(data).write(record) }
    try session("one", at: "2026-11-23T22:00:10.000Z")
    try session("two", at: "2026-11-23T22:01:10.000Z")
    let environment = HostEnvironment(["HOME": scratch.path.string])
    let found = records.map { WorkerUsage.find($0, data: data, environment: environment).transcripts.map(\.session) }
    #expect(found == [["one"], ["two"]])
  }

  @Test func `what no run and no worker accounts for is found, wherever it was`() throws {
    let scratch = try ScratchDirectory("home")
    let data = scratch.dataDir
    let start = Timestamp.unix("2026-11-23T22:00:00.000Z")!
    func session(_ name: String, at stamp: String = "2026-11-23T22:00:10.000Z", in directory: String) throws {
      let line =
        #"{"type":"assistant","sessionId":"\#(name)","cwd":"\#(directory)","timestamp":"\#(stamp)","requestId":"\#(name)","message":{"id":"m","model":"sonnet","usage":{"input_tokens":1,"output_tokens":1}}}"#
      try scratch.write(line + "\n", to: ".claude/projects/-w/\(name).jsonl")
    }
    func found() throws -> [String] {
      try WorkerUsage.unclaimed(since: start, data: data, environment: HostEnvironment(["HOME": scratch.path.string]))
        .transcripts.map(\.session).sorted()
    }
    let root = data.root.string
    try session("elsewhere", in: "/tmp/x")
    try session("sensor", in: "\(root)/sensors")
    try session("sandboxed", in: "/sandbox/w/deeper")
    try session("tick", in: root)
    try session("yesterday", at: "2026-11-22T22:00:10.000Z", in: "/tmp/x")
    try WorkerRecords(data).write(Self.worker("ended", start, sandbox: "/sandbox/w"))
    try scratch.write(
      #"{"type":"system","subtype":"init","session_id":"tick"}"# + "\n", to: "runs/tick-1/events.ndjson")
    #expect(try found() == ["elsewhere", "sensor"])
    // A worker that lives in the data dir has what happens there; one that has ended has had it.
    var living = Self.worker("living", start)
    try WorkerRecords(data).write(living)
    #expect(try found() == ["elsewhere", "sensor"])
    living.process = ProcessIdentity.of(getpid())
    try WorkerRecords(data).write(living)
    #expect(try found() == ["elsewhere"])
  }

  @Test func `a run that names no session has those that began while it went on`() throws {
    let scratch = try ScratchDirectory("unnamed")
    let data = scratch.dataDir
    try scratch.write("prompt", to: "runs/tick-1/prompt.md")
    try scratch.write("plain words\n", to: "runs/tick-1/output.log")
    let now = HostClock.system.now
    let ticks = TickSessions(data, recent: 4)
    #expect(ticks.named.isEmpty)
    #expect(ticks.isUnnamed(Self.session([now])) && !ticks.isUnnamed(Self.session([now - 3600])))
    #expect(!ticks.isUnnamed(Self.session([now + 3600])))
  }

  @Test func `the loop's own sessions are known`() throws {
    let scratch = try ScratchDirectory("ticks")
    let data = scratch.dataDir
    try UsageBaseline([SessionFigures(session: "done", microUSD: 1)]).write(data)
    try scratch.write(
      #"{"type":"system","subtype":"init","session_id":"now"}"# + "\n" + #"{"type":"thread.started","thread_id":"th"}"#,
      to: "runs/tick-20261123-220000/events.ndjson")
    #expect(WorkerUsage.tickSessions(data) == ["done", "now", "th"])
  }
}
