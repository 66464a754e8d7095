import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Many runs of the real `claude` and `codex`, as ticks and as workers, some of them killed in the middle of a call: what the ledger says
/// of each beside what the scripted model served it. Each run has a tenant, so that its money stands alone.
///
/// `LOOOP_TEST_AGENT_RUNS`: how many.
@Suite(
  .serialized, .timeLimit(.minutes(30)),
  .enabled(if: RealAgents.arePresent, "needs the real claude and codex, and a scripted model"),
  .enabled(if: BuiltProducts.has("looop-fleet"), "needs the built looop-fleet"))
struct RealAgentsLedgerTests {
  enum Fate: String, CaseIterable, Sendable {
    case end
    /// The agent itself is killed while the model thinks.
    case agent
    /// The supervisor is, and another one starts; the run goes on.
    case supervisor
    /// What the agent runs under is: the beat, or the worker's session holder.
    case owner
  }

  struct Run: Sendable {
    let number: Int
    let preset: Preset
    let isWorker: Bool
    let fate: Fate

    /// Each kind in turn, and with each round another fate.
    init(_ number: Int) {
      self.number = number
      preset = number % 2 == 0 ? .claude : .codex
      isWorker = number % 4 >= 2
      let first = number % 4 == 0 || number % 4 == 3 ? 1 : 0
      fate = Fate.allCases[(number / 4 + first) % Fate.allCases.count]
    }

    var tenant: String { "run-\(number)-\(getpid())" }
    var order: String { "order-\(number)-" }
    var step: String { "step-\(number)-" }
    var isCut: Bool { fate == .agent || fate == .owner }
    var first: TokenCount { TokenCount(input: Int64(1000 + 37 * number), output: Int64(10 + number)) }
    var second: TokenCount { TokenCount(input: Int64(2000 + 41 * number), output: Int64(20 + number)) }

    /// What the model's answers cost, by the list price of the model that the preset names; in hundredths of a micro-dollar.
    func price(_ tokens: TokenCount) -> Int64 {
      switch (preset, isWorker) {
      case (.claude, false): tokens.input * 200 + tokens.output * 1000
      case (.claude, true): tokens.input * 400 + tokens.output * 2000
      default: tokens.input * 125 + tokens.output * 1000
      }
    }

    /// What both calls cost in micro-dollars, each rounded.
    var served: Int64 { (price(first) + 50) / 100 + (price(second) + 50) / 100 }

    /// A tool call first; while the model thinks about the second answer there is time to kill.
    var rules: [JSON] {
      let answer: JSON = isWorker ? ["bash": #""$LOOOP_BIN" _ kill w1"#] : ["reply": #"{"action":"noop"}"#]
      var last: JSON = [
        "match": .string("TOOL_RESULT.*\(step)"), "input_tokens": .int(second.input),
        "output_tokens": .int(second.output),
        "delay_s": .double(isCut ? 120 : fate == .supervisor ? 3 : 0),
      ]
      for (key, value) in answer.object ?? [:] { last[key] = value }
      return [
        last,
        [
          "match": .string(order), "bash": .string("echo \(step)"), "input_tokens": .int(first.input),
          "output_tokens": .int(first.output),
        ],
      ]
    }
  }

  private static let count = HostEnvironment.current()["LOOOP_TEST_AGENT_RUNS"].flatMap { Int($0) } ?? 4

  @Test func `the ledger says of each run what the model served, and never less of one that was killed`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let runs = (0..<Self.count).map(Run.init)
    let model = try RealAgents.Model(fleet.scratch, rules: runs.flatMap(\.rules), maximumSeconds: 1700)
    try fleet.start()
    var table = "run  what            ended by     served µ$  ledger µ$  source"
    var homes: [RealAgentsHome] = []
    defer { withExtendedLifetime(homes) {} }
    for run in runs {
      let home = try RealAgentsHome(run.tenant)
      homes.append(home)
      try home.logIn(model)
      try begin(run, fleet)
      try end(run, fleet, model)
      let (ledger, source) = try settled(run, fleet)
      table +=
        "\n\(run.number)  \(run.preset.rawValue) \(run.isWorker ? "worker" : "tick")  \(run.fate.rawValue)  \(run.served)  \(ledger)  \(source)"
      if run.isCut {
        #expect(ledger >= run.served, "\(run): \(fleet.log)")
        #expect(source.contains("bound"), "\(run)")
      } else {
        // A tick may have begun again after the supervisor's end, and was served again. codex is priced from its stream's total,
        // which rounds once.
        let times = try run.isWorker ? 1 : Int64(Directory.names(fleet.dataDir(run.tenant).runs).count)
        #expect(
          abs(ledger - run.served * times) <= (run.preset == .claude ? 0 : times), "\(run): \(ledger) for \(run.served)"
        )
        if run.preset == .claude, !run.isWorker { #expect(try reported(run, fleet).map { $0 * times } == ledger) }
      }
      _ = try fleet.run("tenant", "pause", run.tenant)
    }
    print(table)
  }

  // MARK: - One run

  private func begin(_ run: Run, _ fleet: FleetUnderTest) throws {
    try fleet.makeTenant(run.tenant)
    var configuration = RealAgentsScript.configuration(run.preset)
    if run.isWorker { configuration["tick_command"] = "rules" }
    try fleet.scratch.write(configuration.pretty, to: "tenants/\(run.tenant)/config.json")
    if !run.isWorker { try fleet.scratch.write("\(run.order)\n", to: "tenants/\(run.tenant)/goals/goal.md") }
    #expect(try fleet.run("reload").exitCode == 0)
    guard run.isWorker else { return }
    // Before the fleet has its mark there, whoever starts a worker starts it beside the fleet.
    try #require(
      eventually(within: 30) { FileReading.of(fleet.dataDir(run.tenant).fleetMark) != .absent }, "\(fleet.log)")
    let wished = try fleet.looop(run.tenant, "_", "worker", "start", "w1", run.order)
    #expect(wished.exitCode == 0, "\(wished.errors)")
  }

  private func end(_ run: Run, _ fleet: FleetUnderTest, _ model: RealAgents.Model) throws {
    // The second question is asked: it holds what the tool said.
    let screen = "\(run): \(fleet.log)"
    try #require(
      eventually(within: 60, every: 20) {
        model.heard.split(separator: "\n").contains { $0.contains("TOOL_RESULT") && $0.contains(run.step) }
      }, "\(screen)")
    switch run.fate {
    case .end: break
    case .supervisor:
      fleet.killSupervisor()
      try fleet.start()
    case .agent, .owner:
      let agent = try #require(agents(run, fleet).first, "\(run)")
      // Before it can try again.
      if !run.isWorker { _ = try fleet.run("tenant", "pause", run.tenant) }
      kill(run.fate == .agent ? agent : try #require(owner(agent), "\(run)"), SIGKILL)
    }
    if run.isWorker {
      #expect(
        try eventually(within: 60) { try fleet.worker(run.tenant, "w1")?["phase"]?.string == "exited" },
        "\(run): \(fleet.log)")
    }
  }

  /// Micro-dollars and where they come from, once nothing is held any more.
  private func settled(_ run: Run, _ fleet: FleetUnderTest) throws -> (usd: Int64, source: String) {
    var entry: JSON?
    let isSettled = try eventually(within: 60) {
      entry = try fleet.run("budget", run.tenant, "--json").json?["tenants"]?.array?.first
      let usd = entry?["today"]?["usd"]
      return usd?["reserved"]?.double == 0 && (usd?["spent"]?.double ?? 0) > 0
    }
    #expect(isSettled, "\(run): \(entry?.compact ?? "nothing") \(fleet.log)")
    let day = entry?["days"]?.array?.first
    let sources = ["reported", "priced", "bound"].filter { (day?[$0]?.double ?? 0) > 0 }
    return (entry?["today"]?["usd"]?["spent"]?.double.map(Money.microUSD) ?? -1, sources.joined(separator: "+"))
  }

  /// What claude itself said at its end.
  private func reported(_ run: Run, _ fleet: FleetUnderTest) throws -> Int64? {
    let data = fleet.dataDir(run.tenant)
    let newest = try #require(try Directory.names(data.runs).last)
    let lines = FileReading.of(data.run(newest).appending("events.ndjson")).text?.split(separator: "\n") ?? []
    return lines.compactMap { try? JSON(parsing: String($0)) }.last { $0["type"]?.string == "result" }?[
      "total_cost_usd"]?
      .double.map(Money.microUSD)
  }

  // MARK: - Its processes

  private func agents(_ run: Run, _ fleet: FleetUnderTest) -> [Int32] {
    let place = fleet.dataDir(run.tenant).root.string
    return ((try? Directory.names("/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
      FileReading.of(FilePath("/proc/\(pid)/comm")).text?.hasPrefix(run.preset.rawValue) == true
        && FileReading.of(FilePath("/proc/\(pid)/environ")).text?.contains(place) == true
    }
  }

  /// The nearest `looop` above it.
  private func owner(_ pid: Int32) -> Int32? {
    var pid = pid
    while pid > 1 {
      let status = FileReading.of(FilePath("/proc/\(pid)/status")).text?.split(separator: "\n") ?? []
      guard
        let parent = status.first(where: { $0.hasPrefix("PPid:") })?.split(separator: "\t").last.flatMap({ Int32($0) })
      else { return nil }
      pid = parent
      if FileReading.of(FilePath("/proc/\(pid)/comm")).text?.hasPrefix("looop") == true { return pid }
    }
    return nil
  }
}
