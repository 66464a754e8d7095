import TestSupport
import Testing

@testable import Tenant

@Suite struct GatesTests {
  static let now: Int64 = 1_800_000_000

  static func input(_ change: (inout GateInput) -> Void = { _ in }) -> GateInput {
    var input = GateInput(
      lastHash: .value("old"), worldHash: "new", policyHash: "p", forced: false, noop: nil, noopTTL: 21600,
      backoff: .none, ledger: DecideLedger(), maxDecidesPerHour: 120, configProblem: nil, now: now)
    change(&input)
    return input
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var input: GateInput
    var verdict: GateVerdict
    init(_ name: String, _ verdict: GateVerdict, _ change: (inout GateInput) -> Void) {
      testDescription = name
      input = GatesTests.input(change)
      self.verdict = verdict
    }
  }

  static let rows: [Row] = [
    Row("a changed world", .decide(.changed)) { _ in },
    Row("the first world", .decide(.changed)) { $0.lastHash = .absent },
    Row("forced on a changed world", .decide(.forced)) { $0.forced = true },
    Row("unchanged", .unchanged) { $0.lastHash = .value("new") },
    Row("unchanged but forced", .decide(.forced)) {
      $0.lastHash = .value("new")
      $0.forced = true
    },
    Row("unreadable hash", .unreadable("x")) { $0.lastHash = .unreadable("x") },
    Row("unreadable hash beats force", .unreadable("x")) {
      $0.lastHash = .unreadable("x")
      $0.forced = true
    },
    Row("a young noop", .unchanged) {
      $0.lastHash = .value("new")
      $0.noop = NoopMark(ts: now - 21599, hash: "new")
    },
    Row("an old noop", .decide(.revisit)) {
      $0.lastHash = .value("new")
      $0.noop = NoopMark(ts: now - 21600, hash: "new")
    },
    Row("an old noop of another world", .unchanged) {
      $0.lastHash = .value("new")
      $0.noop = NoopMark(ts: 0, hash: "other")
    },
    Row("noop look-again off", .unchanged) {
      $0.lastHash = .value("new")
      $0.noopTTL = 0
      $0.noop = NoopMark(ts: 0, hash: "new")
    },
    Row("a noop from before all time", .decide(.revisit)) {
      $0.lastHash = .value("new")
      $0.noop = NoopMark(ts: .min, hash: "new")
    },
    Row("first failure", .backingOff(fails: 1, retryIn: 59, repair: nil)) {
      $0.backoff = .known(Backoff(policyHash: "p", fails: 1, ts: now - 1))
    },
    Row("first failure is over", .decide(.changed)) {
      $0.backoff = .known(Backoff(policyHash: "p", fails: 1, ts: now - 60))
    },
    Row("force does not lift a backoff", .backingOff(fails: 2, retryIn: 120, repair: nil)) {
      $0.forced = true
      $0.backoff = .known(Backoff(policyHash: "p", fails: 2, ts: now))
    },
    Row("many failures wait five minutes", .backingOff(fails: 60, retryIn: 300, repair: nil)) {
      $0.backoff = .known(Backoff(policyHash: "p", fails: 60, ts: now))
    },
    Row("a policy edit lifts it", .decide(.policyEdited)) {
      $0.backoff = .known(Backoff(policyHash: "other", fails: 3, ts: now))
    },
    Row(
      "a broken record waits as after four",
      .backingOff(fails: 4, retryIn: 300, repair: Backoff(policyHash: "p", fails: 4, ts: now))
    ) { $0.backoff = .broken },
    Row(
      "a record from the future counts from now",
      .backingOff(fails: 1, retryIn: 60, repair: Backoff(policyHash: "p", fails: 1, ts: now))
    ) { $0.backoff = .known(Backoff(policyHash: "p", fails: 1, ts: now + 90000)) },
    Row("a record from before all time", .decide(.changed)) {
      $0.backoff = .known(Backoff(policyHash: "p", fails: 1, ts: .min))
    },
    Row("the hourly cap", .capped(retryIn: 100)) {
      $0.maxDecidesPerHour = 2
      $0.ledger = DecideLedger([now - 3500, now - 10])
    },
    Row("the cap counts the last hour only", .decide(.changed)) {
      $0.maxDecidesPerHour = 2
      $0.ledger = DecideLedger([now - 3600, now - 10, now + 100_000])
    },
    Row("no cap", .decide(.changed)) {
      $0.maxDecidesPerHour = 0
      $0.ledger = DecideLedger(Array(repeating: now, count: 1000))
    },
    Row("the backoff comes before the cap", .backingOff(fails: 1, retryIn: 60, repair: nil)) {
      $0.maxDecidesPerHour = 1
      $0.ledger = DecideLedger([now])
      $0.backoff = .known(Backoff(policyHash: "p", fails: 1, ts: now))
    },
    Row("a broken configuration comes last", .unusable("c")) { $0.configProblem = "c" },
    Row("unchanged does not look at the configuration", .unchanged) {
      $0.lastHash = .value("new")
      $0.configProblem = "c"
    },
  ]

  @Test(arguments: rows) func `each gate in its order`(_ row: Row) {
    #expect(Gates.verdict(row.input) == row.verdict)
  }

  @Test func `the wait doubles and ends at five minutes`() {
    #expect((1...7).map { Backoff(policyHash: "", fails: $0, ts: 0).wait } == [60, 120, 240, 300, 300, 300, 300])
  }

  @Test func `records survive and broken ones are told apart`() throws {
    let scratch = try ScratchDirectory()
    let data = scratch.dataDir
    #expect(Backoff.read(data) == .none)
    #expect(DecisionMark.hash(data) == .absent)
    let backoff = Backoff(policyHash: "h", fails: 2, ts: 5)
    try backoff.write(data)
    #expect(Backoff.read(data) == .known(backoff))
    for broken in ["", "{", "[]", #"{"fails":0,"ts":1}"#, #"{"fails":"x"}"#] {
      try scratch.write(broken, to: ".tick-backoff")
      #expect(Backoff.read(data) == .broken, "\(broken)")
    }
    try scratch.write(#"{"v":1,"ts":[1,"x",2,null,3]}"#, to: ".decide-ledger.json")
    #expect(DecideLedger.read(data).ledger.attempts == [1, 2, 3])
    try scratch.write("garbage", to: ".decide-ledger.json")
    #expect(DecideLedger.read(data).ledger.attempts == [] && DecideLedger.read(data).warning != nil)
    try Directory.create(scratch.appending(".last-tick-hash"))
    guard case .unreadable = DecisionMark.hash(data) else {
      Issue.record("a directory in the hash's place must be unreadable")
      return
    }
  }

  @Test func `only the honoured deadline is removed`() throws {
    let scratch = try ScratchDirectory()
    let old = NextWake(due: 10)
    try old.write(scratch.dataDir)
    try NextWake(due: 99).write(scratch.dataDir)
    try old.honour(scratch.dataDir)
    #expect(NextWake.read(scratch.dataDir) == NextWake(due: 99))
    try NextWake(due: 99).honour(scratch.dataDir)
    #expect(NextWake.read(scratch.dataDir) == nil)
  }

  @Test(arguments: [(0, 5), (4, 5), (60, 60), (100_000, 300)] as [(Int64, Int64)])
  func `naps are clamped`(_ wanted: Int64, _ got: Int64) {
    #expect(NextWake.clamp(wanted, maximum: 300) == got)
    #expect(NextWake.clamp(wanted, maximum: 0) == 5)
  }
}
