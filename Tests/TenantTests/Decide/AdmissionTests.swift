import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct AdmissionTests {
  static func config(_ text: String) -> RunnerConfig { try! RunnerConfig(json: JSON(parsing: text)) }

  static func wish(_ id: String = "tick-1") -> DecideWish {
    DecideWish(runID: id, runner: "claude", model: nil, promptBytes: 3000)
  }

  static func usage(_ usd: Int64?, complete: Bool = true, tokens: TokenCount? = nil) -> RunUsage {
    RunUsage(runner: "claude", session: "s", tokens: tokens, microUSD: usd, complete: complete)
  }

  static func rows(_ scratch: ScratchDirectory) throws -> [CostRow] {
    var rows: [CostRow] = []
    try CostLog(scratch.dataDir).forEach { rows.append($0) }
    return rows
  }

  static func isGranted(_ verdict: DecideVerdict) -> Bool { if case .granted = verdict { true } else { false } }

  static let caps: [(String?, String, Int64)] = [
    (nil, "{}", 10_000_000), (nil, #"{"max_daily_usd":3.5}"#, 3_500_000), ("2", #"{"max_daily_usd":3.5}"#, 2_000_000),
    ("x", #"{"max_daily_usd":3.5}"#, 3_500_000), ("0", #"{"max_daily_usd":3.5}"#, 0),
    (nil, #"{"max_daily_usd":-1}"#, 0),
    ("inf", "{}", 10_000_000),
  ]

  @Test(arguments: caps) func `the cap's sources`(_ variable: String?, _ config: String, _ cap: Int64) throws {
    let scratch = try ScratchDirectory()
    var environment = HostEnvironment([:])
    environment["LOOOP_MAX_DAILY_USD"] = variable
    let admission = StandaloneAdmission(
      scratch.dataDir, config: Self.config(config), environment: environment, clock: .system)
    #expect(admission.cap == cap)
  }

  @Test func `inside a fleet only a cap of one's own counts`() throws {
    let scratch = try ScratchDirectory()
    let make = { (text: String) in
      StandaloneAdmission(
        scratch.dataDir, config: Self.config(text), environment: HostEnvironment([:]), clock: .system, isInFleet: true)
    }
    #expect(make("{}").cap == 0)
    #expect(make(#"{"max_daily_usd":4}"#).cap == 4_000_000)
  }

  @Test func `spent is spent until midnight`() throws {
    let scratch = try ScratchDirectory()
    let time = FixedClock(1_800_000_000)
    var admission = StandaloneAdmission(
      scratch.dataDir, config: Self.config(#"{"max_daily_usd":1}"#), environment: HostEnvironment([:]),
      clock: time.clock)
    #expect(Self.isGranted(admission.admit(Self.wish())))
    #expect(scratch.exists(".cost-hold.json"))
    admission.settle(reservation: "tick-1", runID: "tick-1", usage: Self.usage(600_000))
    #expect(!scratch.exists(".cost-hold.json"))
    #expect(Self.isGranted(admission.admit(Self.wish("tick-2"))))
    admission.settle(reservation: "tick-2", runID: "tick-2", usage: Self.usage(600_000))
    guard case .refused(let reason, let retryAt) = admission.admit(Self.wish("tick-3")) else {
      Issue.record("the cap must hold")
      return
    }
    #expect(reason.contains("$1.2 of $1"))
    let midnight = StandaloneAdmission.nextDay(time.now)
    #expect(retryAt == midnight && LocalTime(midnight).clockSeconds == "00:00:00")
    #expect(admission.limits()?["usd"]?["left"] == 0)
    time.step(by: Double(midnight - time.now) + 1)
    #expect(Self.isGranted(admission.admit(Self.wish("tick-4"))))
  }

  @Test func `stepping the clock back gives nothing back`() throws {
    let scratch = try ScratchDirectory()
    let time = FixedClock(1_800_000_000)
    var admission = StandaloneAdmission(
      scratch.dataDir, config: Self.config(#"{"max_daily_usd":1}"#), environment: HostEnvironment([:]),
      clock: time.clock)
    time.step(by: 86400)
    _ = admission.admit(Self.wish())
    admission.settle(reservation: "tick-1", runID: "tick-1", usage: Self.usage(2_000_000))
    time.step(by: -86400)
    #expect(!Self.isGranted(admission.admit(Self.wish("tick-2"))))
    // A year ahead is not today's money.
    time.step(by: 365 * 86400)
    #expect(Self.isGranted(admission.admit(Self.wish("tick-3"))))
  }

  @Test func `a run that never settled is charged its bound, once`() throws {
    let scratch = try ScratchDirectory()
    let make = {
      StandaloneAdmission(
        scratch.dataDir, config: nil, environment: HostEnvironment([:]), clock: FixedClock().clock)
    }
    var first = make()
    #expect(Self.isGranted(first.admit(Self.wish())))
    // The process dies here; the next beat starts from the files.
    var second = make()
    #expect(Self.isGranted(second.admit(Self.wish("tick-2"))))
    let rows = try Self.rows(scratch)
    #expect(rows.map(\.id) == ["tick-1"] && rows[0].source == .bound)
    #expect(rows[0].microUSD == UpperBound.microUSD(promptBytes: 3000))
    // Settling twice, or what was charged already, changes nothing.
    second.settle(reservation: "tick-1", runID: "tick-1", usage: Self.usage(5))
    second.settle(reservation: "tick-2", runID: "tick-2", usage: Self.usage(7))
    second.settle(reservation: "tick-2", runID: "tick-2", usage: Self.usage(7))
    #expect(try Self.rows(scratch).map(\.microUSD) == [rows[0].microUSD, 7])
  }

  @Test func `the bound is never 0`() {
    #expect(UpperBound.microUSD(promptBytes: 0) > 0)
    #expect(UpperBound.microUSD(promptBytes: .max) > 0)
    let zero = StandaloneAdmission(
      DataDir("/nowhere"), config: Self.config(#"{"unmetered_usd":0}"#), environment: HostEnvironment([:]),
      clock: .system)
    #expect(zero.unmetered == nil)
  }

  @Test func `rules cost nothing, even when all is spent`() throws {
    let scratch = try ScratchDirectory()
    try scratch.write(
      "{\"ts\":\"\(LocalTime.utc(FixedClock().now).rfc3339)\",\"kind\":\"session\",\"id\":\"w\",\"runner\":\"claude\",\"cost_usd\":99}\n",
      to: "cost.jsonl")
    var admission = StandaloneAdmission(
      scratch.dataDir, config: nil, environment: HostEnvironment([:]), clock: FixedClock().clock)
    #expect(!Self.isGranted(admission.admit(Self.wish())))
    let wish = DecideWish(runID: "r", runner: "rules", model: nil, promptBytes: 0)
    #expect(Self.isGranted(admission.admit(wish)))
    admission.settle(reservation: "r", runID: "r", usage: .nothing("rules"))
    #expect(try Self.rows(scratch).count == 1)
  }

  @Test func `a ledger that cannot be read holds everything`() throws {
    let scratch = try ScratchDirectory()
    try Directory.create(scratch.appending("cost.jsonl"))
    var admission = StandaloneAdmission(
      scratch.dataDir, config: nil, environment: HostEnvironment([:]), clock: .system)
    guard case .refused(let reason, _) = admission.admit(Self.wish()) else {
      Issue.record("fail closed")
      return
    }
    #expect(reason.contains("cannot be read"))
  }

  @Test func `a rate limit parks the account`() throws {
    let scratch = try ScratchDirectory()
    let time = FixedClock()
    var admission = StandaloneAdmission(
      scratch.dataDir, config: nil, environment: HostEnvironment([:]), clock: time.clock)
    _ = admission.admit(Self.wish())
    var limited = Self.usage(0)
    limited.rateLimitedUntil = time.now + 10800
    admission.settle(reservation: "tick-1", runID: "tick-1", usage: limited)
    guard case .refused(_, let retryAt?) = admission.admit(Self.wish("tick-2")) else {
      Issue.record("it must wait")
      return
    }
    #expect((time.now + 10800...time.now + 10860).contains(retryAt))
    time.advance(by: 10861)
    #expect(Self.isGranted(admission.admit(Self.wish("tick-2"))))
  }

  @Test func `torn rows and old shapes`() throws {
    let scratch = try ScratchDirectory()
    try scratch.write(
      """
      {"ts":"2026-06-20T10:00:00Z","kind":"tick","id":"a","runner":"pi","cost_usd":0.25}
      {"ts":"2026-06-20T11:00:00.123+02:00","kind":"session","id":"b","runner":"claude","cost_usd":1}
      {"ts":"2026-06-2
      garbage
      {"ts":"2026-06-21T10:00:00Z","cost_usd":"1"}
      {"ts":"2026-06-21T10:00:00Z","cost_usd":-1}
      {"ts":"2026-06-21T10:00:00Z","cost_usd":0.0421}
      """, to: "cost.jsonl")
    let report = try CostReport.read(scratch.dataDir)
    #expect(report.days.map(\.date) == ["2026-06-20", "2026-06-21"] && report.calls == 3)
    #expect(
      report.table == """
        Day        | Calls |    Cost
        2026-06-20 |     2 |   $1.25
        2026-06-21 |     1 | $0.0421
        Total      |     3 | $1.2921
        """)
    #expect(report.json["total"]?["cost_usd"]?.double == 1.2921)
  }

  @Test(
    arguments: [
      (0, "0"), (10_000_000, "10"), (42_100, "0.0421"), (1_250_000, "1.25"), (49, "0"), (50, "0.0001"),
      (-1_500_000, "-1.5"),
    ] as [(Int64, String)])
  func `money is trimmed`(_ amount: Int64, _ text: String) { #expect(Money.text(amount) == text) }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-06-30T12:05:09Z", 1_782_821_109),
      ("2026-06-30T14:05:09.999+02:00", 1_782_821_109),
      ("2000-02-29T00:00:00Z", 951_782_400), ("2026-06-30", nil), ("2026-13-30T12:05:09Z", nil), ("", nil),
      ("2026-06-30T12:05:09+", nil), ("2026-06-30T12:05:09", nil),
    ] as [(String, Int64?)])
  func `times are read`(_ text: String, _ unix: Int64?) { #expect(Timestamp.unix(text) == unix) }

  // MARK: The door

  final class Fleet {
    let question = try! Pipe()
    let answer = try! Pipe()
    func said() -> [JSON] {
      _ = fcntl(question.readEnd, F_SETFL, O_NONBLOCK)
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = read(question.readEnd, &buffer, buffer.count)
      return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").map {
        (try? JSON(parsing: String($0))) ?? .null
      }
    }
    func say(_ text: String) {
      _ = Array(text.utf8).withUnsafeBytes { write(answer.writeEnd, $0.baseAddress, $0.count) }
    }
    func door(patience: Double = 5) -> DoorAdmission {
      DoorAdmission(input: answer.readEnd, output: question.writeEnd, patience: patience)
    }
    func hangUp() { close(answer.writeEnd) }
  }

  @Test func `the door grants, limits, settles and reports`() throws {
    let fleet = Fleet()
    var door = fleet.door()
    fleet.say("{\"granted\":true,\"reservation\":\"r1\",\"limits\":{\"usd\":{\"left\":3}}}\n{\"ok\":true}\n")
    #expect(door.admit(Self.wish()) == .granted(reservation: "r1"))
    #expect(door.limits()?["usd"]?["left"] == 3)
    door.settle(reservation: "r1", runID: "tick-1", usage: Self.usage(7))
    door.report(TenantReport(dataDir: "/d", at: 1, beat: nil, asks: [], workers: [], problems: []))
    let said = fleet.said()
    #expect(said.map { $0["op"]?.string } == ["admit", "settle", "report"])
    #expect(said[0] == ["op": "admit", "run_id": "tick-1", "runner": "claude", "model": .null, "prompt_bytes": 3000])
    #expect(said[1]["usage"]?["micro_usd"] == 7)
    #expect(said[2]["report"]?["data_dir"] == "/d")
  }

  @Test func `the door refuses with its reason`() {
    let fleet = Fleet()
    var door = fleet.door()
    fleet.say("{\"granted\":false,\"reason\":\"spent\",\"retry_at\":99}\n")
    #expect(door.admit(Self.wish()) == .refused(reason: "spent", retryAt: 99))
  }

  @Test(arguments: ["", "garbage\n", "[]\n", "{}\n", "{\"granted\":true}\n", "{\"granted\":1,\"reservation\":\"r\"}\n"])
  func `whatever is no clear grant is a refusal`(_ answer: String) {
    let fleet = Fleet()
    var door = fleet.door()
    fleet.say(answer)
    fleet.hangUp()
    guard case .refused = door.admit(Self.wish()) else {
      Issue.record("\(answer) was a grant")
      return
    }
  }

  @Test func `a silent fleet is a refusal, and a late word is not heard`() {
    let fleet = Fleet()
    var door = fleet.door(patience: 0.05)
    guard case .refused(let reason, _) = door.admit(Self.wish()) else {
      Issue.record("silence was a grant")
      return
    }
    #expect(reason.contains("no place for a decide came free"))
    fleet.say("{\"granted\":true,\"reservation\":\"r1\"}\n")
    guard case .refused = door.admit(Self.wish("tick-2")) else {
      Issue.record("a late answer was taken for another question")
      return
    }
  }

  @Test func `of two budgets the tighter one binds`() throws {
    let scratch = try ScratchDirectory()
    let fleet = Fleet()
    let own = StandaloneAdmission(
      scratch.dataDir, config: Self.config(#"{"max_daily_usd":1}"#), environment: HostEnvironment([:]), clock: .system)
    var joint = JointAdmission(own: own, door: fleet.door())
    fleet.say("{\"granted\":false,\"reason\":\"fleet\",\"retry_at\":null}\n")
    #expect(joint.admit(Self.wish()) == .refused(reason: "fleet", retryAt: nil))
    #expect(!scratch.exists(".cost-hold.json") && !scratch.exists("cost.jsonl"))
    fleet.say("{\"granted\":true,\"reservation\":\"r9\",\"limits\":null}\n{\"ok\":true}\n")
    #expect(joint.admit(Self.wish()) == .granted(reservation: "r9"))
    joint.settle(reservation: "r9", runID: "tick-1", usage: Self.usage(2_000_000))
    #expect(try Self.rows(scratch).map(\.microUSD) == [2_000_000])
    // Spent here: the fleet is not even asked.
    guard case .refused(let reason, _) = joint.admit(Self.wish("tick-2")) else {
      Issue.record("the own cap must hold")
      return
    }
    #expect(reason.contains("budget is spent"))
  }
}
