import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// `kill -9` of the supervisor at each step between a reservation and its settlement, for decides and for workers: after the restart
/// the ledger is never less than what the stand-in for the model served, at most one bound more a kill, and nothing is held for what is over.
///
/// `LOOOP_TEST_KILL_ROUNDS`: how often the whole table is gone through.
@Suite(
  .serialized, .timeLimit(.minutes(30)),
  .enabled(if: LedgerFaults.canBuild, "needs a C compiler for what kills the supervisor at a statement"))
struct FleetKillTests {
  enum Moment: Hashable, Sendable {
    /// Around a commit of the ledger.
    case commit(LedgerFaults.Point.Side, String, of: String)
    /// As soon as the agent runs.
    case agentRuns
    /// As soon as the sandbox of a worker lies there.
    case sandboxMade
  }

  private static let reservation = "INSERT INTO reservations"
  private static let charge = "INSERT INTO charges"
  private static let closing = "UPDATE reservations SET state"

  static let decide: [Moment] = [
    .commit(.before, reservation, of: "'tick'"), .commit(.after, reservation, of: "'tick'"), .agentRuns,
    .commit(.before, charge, of: "'tick/"), .commit(.after, charge, of: "'tick/"),
  ]
  static let worker: [Moment] = [
    .commit(.before, reservation, of: "'worker'"), .commit(.after, reservation, of: "'worker'"), .sandboxMade,
    .agentRuns, .commit(.before, charge, of: "'claude/"), .commit(.after, charge, of: "'claude/"),
    .commit(.before, closing, of: "'claude/"), .commit(.after, closing, of: "'claude/"),
  ]

  private static let rounds = HostEnvironment.current()["LOOOP_TEST_KILL_ROUNDS"].flatMap { Int($0) } ?? 1

  /// What a call of the stand-in costs: 4,000 tokens of output at $15 a million.
  private static let call: Int64 = 60_000

  /// As a tick it prints claude's stream, as a worker it writes claude's transcript: one call each, which it notes in `served`.
  private static let standIn = #"""
    #!/bin/bash
    now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
    if [ -n "${LOOOP_SESSION_ID:-}" ]; then
      id=$LOOOP_SESSION_ID
      echo "$id" >>"$LOOOP_DATA_DIR/running"
      place="$CLAUDE_CONFIG_DIR/projects/p"; mkdir -p "$place"
      printf '{"type":"assistant","sessionId":"s-%s","cwd":"%s","timestamp":"%s","requestId":"q%s","message":{"id":"m","model":"claude-sonnet-4-5","usage":{"input_tokens":0,"output_tokens":4000}}}\n' \
        "$id" "$PWD" "$now" "$id" >>"$place/s-$id.jsonl"
      echo "$id" >>"$LOOOP_DATA_DIR/served"
      sleep 0.4
    else
      cat >/dev/null
      id=$$-$RANDOM
      echo "$id" >>"$LOOOP_DATA_DIR/running"
      echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"$id\",\"model\":\"claude-sonnet-4-5\"}"
      sleep 0.2
      echo "$id" >>"$LOOOP_DATA_DIR/served"
      echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"{\\\"action\\\":\\\"noop\\\"}\",\"session_id\":\"$id\",\"total_cost_usd\":0.06,\"usage\":{\"input_tokens\":0,\"output_tokens\":4000}}"
    fi
    """#

  private func fleet() throws -> (FleetUnderTest, LedgerFaults) {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let faults = try LedgerFaults(fleet.scratch)
    let agent = try fleet.scratch.write(Self.standIn, to: "bin/claude", mode: 0o755)
    try fleet.makeRepository("web")
    try fleet.makeTenant(
      "web",
      yaml: """
        repos: { web: \(fleet.repository("web")) }
        runner_home: \(fleet.scratch.appending("home-web"))
        budget: { usd_per_day: 1000, decides_per_day: 10000 }

        """)
    let configuration: JSON = [
      "tick_command": .string("\(agent) --model claude-sonnet-4-5"),
      "worker_command": .string("\(agent) --model claude-sonnet-4-5 {{prompt_file}}"),
    ]
    try fleet.scratch.write(configuration.pretty, to: "tenants/web/config.json")
    return (fleet, faults)
  }

  private func lines(_ name: String, _ fleet: FleetUnderTest) -> Int {
    fleet.scratch.read("tenants/web/\(name)")?.split(separator: "\n").count ?? 0
  }

  private func kill(
    _ fleet: FleetUnderTest, _ faults: LedgerFaults, at moment: Moment, _ begin: () throws -> Void
  ) throws {
    let running = lines("running", fleet)
    if case .commit(let side, let statement, let mention) = moment {
      try faults.arm(.init(side: side, statement: statement, mention: mention))
    }
    try begin()
    switch moment {
    case .commit: #expect(fleet.waitUntilKilled(), "\(moment) never came: \(fleet.log)")
    case .agentRuns:
      #expect(eventually(within: 30) { lines("running", fleet) > running }, "\(fleet.log)")
      fleet.killSupervisor()
    case .sandboxMade:
      #expect(
        eventually(within: 30, every: 1) { !fleet.scratch.names("state/sandboxes/web/trees").isEmpty }, "\(fleet.log)")
      fleet.killSupervisor()
    }
    faults.disarm()
  }

  /// What one run may be charged at most where nobody can say what it used: the estimate of a first one.
  private static let bound: Int64 = 500_000

  /// Runs of which nobody can say what they used, as far as the kills tell: those whose hold was on disk and that never ran, and those that
  /// were cut while they ran, of which each may have had its say all the same.
  private struct Unknown {
    var silent = 0
    var cut = 0

    mutating func add(_ moment: Moment) {
      switch moment {
      case .commit(.after, FleetKillTests.reservation, _): silent += 1
      case .agentRuns: cut += 1
      default: break
      }
    }
  }

  /// The charges by what they rest on, and how many runs were charged as a bound.
  private func books(_ fleet: FleetUnderTest) throws -> (known: Int64, bound: Int64, boundRuns: Int) {
    var books = (known: Int64(0), bound: Int64(0), boundRuns: 0)
    for line in try fleet.run("budget", "web", "--csv", "--days", "2").output.split(separator: "\r\n").dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let usd = MicroUSD(decimal: fields[9])?.micros ?? 0
      guard fields[7] == "bound" else {
        books.known += usd
        continue
      }
      books.bound += usd
      books.boundRuns += Int(fields[15]) ?? 0
    }
    return books
  }

  /// Nothing is held. What is known is what was served, less what was cut; what nobody can know is charged once for each such run.
  private func expectWhole(_ fleet: FleetUnderTest, _ moment: Moment, _ unknown: Unknown = Unknown()) throws {
    var last = ""
    let isWhole = try eventually(within: 30, every: 50) {
      let usd = try fleet.tenant("web")?["budget"]?["usd"]
      let (served, books) = (Int64(lines("served", fleet)) * Self.call, try books(fleet))
      last = "\(usd?.compact ?? "none"), served \(served), \(books)"
      return usd?["reserved"]?.double == 0 && usd?["spent"]?.double.map(Money.microUSD) == books.known + books.bound
        && (served - Int64(unknown.cut) * Self.call...served).contains(books.known)
        && (unknown.silent...unknown.silent + unknown.cut).contains(books.boundRuns)
        && books.known + Int64(books.boundRuns - unknown.silent) * Self.call >= served
        && books.bound <= Int64(books.boundRuns) * Self.bound
    }
    #expect(isWhole, "\(moment): \(last)\n\(fleet.log)")
  }

  @Test func `killed at each step of a decide`() throws {
    let (fleet, faults) = try fleet()
    try fleet.start(with: faults.environment)
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    var unknown = Unknown()
    try expectWhole(fleet, .agentRuns)
    for round in 0..<Self.rounds {
      for (number, moment) in Self.decide.enumerated() {
        let before = lines("served", fleet)
        try kill(fleet, faults, at: moment) {
          try fleet.scratch.write("Goal \(round)-\(number).\n", to: "tenants/web/goals/goal.md")
        }
        try fleet.start(with: faults.environment)
        #expect(eventually(within: 30) { lines("served", fleet) > before }, "\(moment): \(fleet.log)")
        unknown.add(moment)
        try expectWhole(fleet, moment, unknown)
      }
    }
    // Each run of the runner counts once; a killed one that may not have begun counts as well.
    let decides = try fleet.tenant("web")?["budget"]?["decides"]
    let spent = decides?["spent"]?.int ?? -1
    #expect(spent >= Int64(lines("served", fleet)) && decides?["reserved"]?.int == 0)
    #expect(spent <= Int64(lines("served", fleet) + Self.rounds * Self.decide.count))
  }

  @Test func `killed at each step of a worker`() throws {
    let (fleet, faults) = try fleet()
    // Its ticks are free, so that all money is the workers'.
    try fleet.scratch.write(
      #"{"tick_command":"rules","worker_command":"\#(fleet.scratch.appending("bin/claude")) --model claude-sonnet-4-5 {{prompt_file}}"}"#,
      to: "tenants/web/config.json")
    try fleet.start(with: faults.environment)
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    for round in 0..<Self.rounds {
      for (number, moment) in Self.worker.enumerated() {
        let id = "w\(round)-\(number)"
        try kill(fleet, faults, at: moment) {
          let wished = try fleet.looop("web", "_", "worker", "start", id, "--repo", "web", "do", "it")
          guard wished.exitCode == 0 else { throw TestFailure(wished.errors) }
        }
        try fleet.start(with: faults.environment)
        #expect(
          try eventually(within: 30) { try fleet.worker("web", id)?["phase"]?.string == "exited" },
          "\(moment): \(fleet.log)")
        try expectWhole(fleet, moment)
      }
    }
    #expect(lines("served", fleet) == Self.rounds * Self.worker.count)
  }
}
