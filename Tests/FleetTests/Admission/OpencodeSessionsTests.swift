import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Databases as opencode makes them (the columns that matter), written by `sqlite3`.
@Suite(.enabled(if: Shell.succeeds("command -v sqlite3"), "needs sqlite3, to make a database as opencode does"))
struct OpencodeSessionsTests {
  private static let schema = """
    PRAGMA journal_mode = wal;
    CREATE TABLE session (id TEXT PRIMARY KEY, directory TEXT NOT NULL, time_created INTEGER NOT NULL);
    CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES session (id),
      time_created INTEGER NOT NULL, time_updated INTEGER NOT NULL, data TEXT NOT NULL);
    INSERT INTO session VALUES ('ses_1', '/w/tree', 1800000000000), ('ses_old', '/w/tree', 1700000000000),
      ('ses_other', '/w/other', 1800000000000), ('ses_tick', '/w/tree/sub', 1800000005000);

    """

  private static func message(_ id: String, _ session: String, _ data: String, at: Int = 1_800_000_001) -> String {
    "INSERT INTO message VALUES ('\(id)', '\(session)', \(at)000, \(at)000, '\(data)');\n"
  }

  static let asked = #"{"role":"user","time":{"created":1800000001000}}"#
  static func answered(
    _ input: Int, _ output: Int, cost: String = "0", finished: Bool = true, more: String = ""
  ) -> String {
    let time = finished ? #"{"created":1800000001000,"completed":1800000002000}"# : #"{"created":1800000001000}"#
    return
      #"{"role":"assistant","providerID":"p","modelID":"gpt-5","cost":\#(cost),"tokens":{"input":\#(input),"output":\#(output),"reasoning":5,"cache":{"read":7,"write":0}},"time":\#(time)\#(more)}"#
  }

  private func read(_ messages: String, excluding: Set<String> = []) throws -> [Transcript] {
    let scratch = try ScratchDirectory("oc")
    let path = scratch.appending("opencode.db")
    #expect(Shell.run("sqlite3 '\(path)'", input: Self.schema + messages) != nil)
    return try OpencodeSessions.read(path, directory: "/w/tree", since: 1_800_000_000, excluding: excluding)
  }

  @Test func `each answer of a model is a call with its tokens and its money`() throws {
    let found = try read(
      Self.message("m1", "ses_1", Self.asked) + Self.message("m2", "ses_1", Self.answered(100, 10), at: 1_800_000_002)
        + Self.message("m3", "ses_1", Self.answered(200, 20, cost: "0.0125"), at: 1_800_000_003)
        + Self.message("o", "ses_old", Self.answered(1, 1)) + Self.message("p", "ses_other", Self.answered(1, 1))
        + Self.message("t", "ses_tick", Self.answered(1, 1)), excluding: ["ses_tick"])
    #expect(found.map(\.session) == ["ses_1"])
    let session = try #require(found.first)
    #expect(session.events.map(\.id) == ["opencode/m2", "opencode/m3"])
    let tokens = [
      TokenCount(input: 100, cacheRead: 7, output: 15), TokenCount(input: 200, cacheRead: 7, output: 25),
    ]
    #expect(session.events.map(\.tokens) == tokens)
    #expect(session.events.map(\.microUSD) == [nil, 12_500])
    #expect(session.events.map(\.model) == ["gpt-5", "gpt-5"])
    #expect((session.startedAt, session.isOpen) == (1_800_000_000, false))
    // 100 × $1.25, 7 × $0.125 and 15 × $10 a million, then opencode's own money.
    let charges = TranscriptCharges.of(session, prices: .shipped, on: CivilDate("2027-01-15")!)
    #expect(charges.map { "\($0.source) \($0.usd.micros)" } == ["priced 276", "reported 12500"])
  }

  /// The rows of one session, and whether its last call has no figures.
  static let sessions: [([String], Bool)] = [
    ([asked], true),
    ([asked, answered(1, 1, finished: false)], true),
    ([asked, answered(1, 1)], false),
    ([asked, #"{"role":"assistant","time":{"created":1,"completed":2},"tokens":{"input":0,"output":0}}"#], true),
    ([asked, answered(0, 0, finished: false, more: #","error":{"name":"AbortedError"}"#)], false),
    ([answered(5, 5), "this is no JSON"], true),
  ]

  @Test(arguments: sessions)
  func `a call without figures is open`(rows: [String], isOpen: Bool) throws {
    let messages = rows.enumerated().map { Self.message("m\($0)", "ses_1", $1, at: 1_800_000_001 + $0) }
    #expect(try read(messages.joined()).contains { $0.isOpen } == isOpen)
  }

  @Test func `what is not there, broken or of a newer form is no zero`() throws {
    let scratch = try ScratchDirectory("oc")
    func answer(_ home: FilePath) -> JSON {
      OpencodeSessions.answer(
        ["directory": "/w/tree", "since": 1_800_000_000], environment: HostEnvironment(["XDG_DATA_HOME": home.string]))
    }
    #expect(answer(scratch.appending("none"))["ok"] == false)
    try scratch.write("this is no database, and long enough to be looked at as one", to: "text/opencode/opencode.db")
    #expect(answer(scratch.appending("text"))["ok"] == false)
    try Directory.create(scratch.appending("new/opencode"))
    let newer =
      Self.schema + """
        CREATE TABLE session_message (id TEXT PRIMARY KEY, time_created INTEGER NOT NULL);
        INSERT INTO session_message VALUES ('x', 1800000001000);
        """
    #expect(Shell.run("sqlite3 '\(scratch.appending("new/opencode/opencode.db"))'", input: newer) != nil)
    #expect(answer(scratch.appending("new"))["message"]?.string?.contains("newer") == true)
    #expect(OpencodeSessions.answer([:], environment: HostEnvironment([:]))["ok"] == false)
  }
}
