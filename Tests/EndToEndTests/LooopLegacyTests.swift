import SystemPackage
import Tenant
import TestSupport
import Testing

/// A data dir as looop 1.0 and its ancestors left it: every kind of record, fields of a later version, old forms, debris. It is read
/// right, a beat runs on it, and nothing of it is rewritten or lost that is not the loop's to change.
@Suite(.timeLimit(.minutes(2))) struct LooopLegacyTests {
  let home: LooopHome

  static let kept: [(path: String, text: String)] = [
    ("PLAYBOOK.md", "# mine\n=== NOW ===\n"), ("playbook.d/20250101-000000.md", "old\n"),
    ("goals/ship.md", "ship it\n"),
    ("goals/archive/done-1.md", "done\n"),
    ("asks/w-1.json", #"{"id":"w-1","worker":"w","prompt":"old form","ts":10,"detach":true}"#),
    (
      "asks/w-2.json",
      #"{"id":"w-2","worker":"w","prompt":"later form","ts":20,"v":2,"urgency":{"level":3},"options":["a","b"],"reference":"reports/x.md"}"#
    ),
    ("asks/w-3.json", #"{"id":"w-3","worker":"w","prompt":"answered","ts":5,"v":1}"#),
    ("asks/archive/z-1.json", #"{"id":"z-1","worker":"z","prompt":"archived","ts":1}"#),
    ("asks/.w-9.json.12.1750000000.1.tmp", #"{"id":"w-9","prom"#),
    ("answers/w-3.json", #"{"answer":"yes","ts":6,"mood":"good"}"#),
    ("answers/archive/z-1.json", #"{"answer":"no","ts":2}"#),
    ("schedules/weekly.json", #"{"v":1,"every_s":604800,"anchor":1750000000,"note":"look","zone":"x"}"#),
    ("schedules/broken.json", "{"),
    ("tells/consumed/w-9.77.n.json", #"{"v":1,"id":"w-9","worker":"w","msg":"old","ts":4102444800}"#),
    ("prompts/w.md", "brief\n"), ("reports/x.md", "report\n"), ("journal.md.1", "- 2025-01-01 00:00 first\n"),
    ("events.jsonl.1", "{\"event\":\"decided\",\"ts\":\"2025-01-01T00:00:00.000Z\"}\n"), (".events.rotlock", ""),
    (".cost-unmetered", #"{"sig":"claude|false","count":2}"#),
    (
      "sessions/w/meta.json",
      #"{"id":"w","cmd":["bash","-c","x"],"babysit_pid":2000000000,"started_at":"2025-06-30T10:00:00Z"}"#
    ),
    (
      "sessions/w/status.json",
      #"{"state":"exited","child_pid":2000000001,"exit_code":3,"last_change":"2099-06-30T10:05:00Z"}"#
    ),
    ("sessions/w/output.log", "hello\r\n"), ("sessions/w/note", "x"), ("sessions/w/status.json.tmp", "{"),
    ("sessions/strange/output.log", "no meta\n"), ("runs/tick-20250630-100000/prompt.md", "p\n"),
    ("runs/tick-20250630-100000/output.log", "o\n"),
    ("verify/w.cmd", "true"), ("verify/w.json", #"{"ok":true,"exit_code":0,"output":"","ts":1751277900}"#),
    (".gitignore", "# mine\n"), ("notes.txt", "somebody's own\n"),
  ]

  /// Its last line was cut off.
  static let costs = """
    {"ts":"2025-06-30T10:00:00Z","kind":"tick","id":"tick-1","runner":"claude","cost_usd":0.25}
    {"ts":"2025-06-30T10:05:00Z","kind":"session","id":"w","runner":"pi","cost_usd":1.5,"later":true}
    {"ts":"2025-06-30T10:06:00Z","kind":"tick","id":"to
    """

  init() throws {
    home = try LooopHome()
    for (path, text) in Self.kept { try home.scratch.write(text, to: path) }
    try home.scratch.write(Self.costs, to: "cost.jsonl")
    try home.scratch.write(
      #"{"tick":"cat >/dev/null; printf '%s' '{\"action\":\"noop\",\"reason\":\"calm\",\"mood\":1}' >.decision.json | looop _ fmt","interactive":"bash {{prompt_file}}","interval":7,"later":{"x":1}}"#,
      to: "config.json")
    for (path, text) in [
      ("claims/old.json", #"{"session":"gone","name":"old"}"#), ("claims/torn.json", #"{"sess"#),
      ("tells/w-1.json", #"{"v":1,"id":"w-1","worker":"w","msg":"mind the gap","ts":30,"later":1}"#),
      (".action-wal.json", #"{"kind":"shell","fingerprint":"f","ts":1750000000,"shell_timeout_secs":300}"#),
      ("snapshots/sensor-gone.json", #"{"signal":1}"#), ("snapshots/sensor-x.json.tmp", "{"),
      (".last-tick-hash", String(repeating: "0", count: 32) + "\n"),
      (".last-world.json", #"{"playbook":"0","goal:gone":"1","later":2}"#),
      (".decide-ledger.json", #"{"v":1,"ts":[1750000000,"x",1750000001]}"#),
      (".signal-flap.json", #"{"v":1,"snaps":{"sensor-gone":{"last":"1","streak":3}}}"#),
      (".goal-activity.json", #"{"ship":1750000000,"gone":1}"#),
      (".noop-at.json", #"{"v":1,"ts":1750000000,"hash":"0"}"#),
      (".next-wake.json", #"{"v":1,"due":1750000000}"#), ("journal.md", "- 2025-06-30 10:00 noop · calm\n"),
      (".decision.json", #"{"action":"write_goal","id":"stale","body":"x"}"#),
    ] { try home.scratch.write(text, to: path) }
  }

  @Test func `it is read as what it is`() throws {
    let asks = try home.looop(["asks", "--json"])
    #expect(asks.json?.array?.map { $0["id"] } == ["w-1", "w-2"], "\(asks.errors)")
    #expect(asks.json?.array?.last?["options"] == ["a", "b"])
    let state = try #require(try home.looop(["state", "--json"]).json)
    #expect(state["goals"] == ["ship"] && state["journal_tail"] == ["- 2025-06-30 10:00 noop · calm"])
    #expect(state["workers"]?.array?.map { [$0["id"], $0["state"], $0["exit_code"]] } == [["w", "exited", 3]])
    let schedules = try home.looop(["schedule", "list", "--json"])
    #expect(schedules.json?["weekly"]?["every_s"] == 604_800 && schedules.json?["broken"] == .null)
    let cost = try #require(try home.looop(["cost", "--json"]).json)
    #expect(cost["total"]?["calls"] == 2 && cost["total"]?["cost_usd"]?.double == 1.75)
    #expect(try home.looop(["told", "w"]).output == "• mind the gap\n")
    #expect(try home.looop(["screenshot", "w"]).output == "hello\n")
    #expect(try home.looop(["answer", "w-3", "again"]).exitCode == 1)
    expectKept()
  }

  @Test func `a beat runs on it, and leaves alone what is not its own`() throws {
    let beat = try home.looop(["beat"])
    #expect(beat.exitCode == 0, "\(beat.output)\(beat.errors)")
    let events = (home.scratch.read("events.jsonl") ?? "").split(separator: "\n").compactMap {
      (try? JSON(parsing: String($0)))?["event"]?.string
    }
    #expect(events.contains("decided") && events.count { $0 == "tick_interrupted" } == 1)
    #expect(events.contains("claim_reaped") && !home.scratch.exists("claims/old.json"))
    #expect(!home.scratch.exists("goals/stale.md"), "the decision of an earlier run is no decision")
    #expect(!home.scratch.exists(".action-wal.json") && !home.scratch.exists("snapshots/sensor-gone.json"))
    #expect(home.scratch.read(".last-tick-hash")?.utf8.count == 33)
    let prompt = try #require(
      home.scratch.names("runs").filter { $0 != "tick-20250630-100000" }.first.flatMap {
        home.scratch.read("runs/\($0)/prompt.md")
      })
    #expect(prompt.contains("\\=== NOW ===") && prompt.contains("old form") && prompt.contains("STRANDED"))
    #expect(home.scratch.read("cost.jsonl")?.hasPrefix(Self.costs) == true)
    let cost = try #require(try home.looop(["cost", "--json"]).json)
    #expect(cost["total"]?["calls"] == 3, "a row after a torn one is a row")
    #expect(try home.looop(["beat"]).exitCode == 0)
    expectKept()
  }

  private func expectKept() {
    for (path, text) in Self.kept { #expect(home.scratch.read(path) == text, "\(path)") }
  }
}
