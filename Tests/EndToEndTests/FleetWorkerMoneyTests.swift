import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What workers cost, from outside: a stand-in for `claude` writes the transcript that the real one writes, call by call as the
/// test says, and the fleet holds, meters, warns, stops and settles.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FleetWorkerMoneyTests {
  /// One call of the model: 40,000 tokens of output at $15 a million.
  static let call = 0.6
  /// What a first worker with this model is held for (see `RunEstimate`): a little over a dollar and a half.
  static let model = "claude-sonnet-4-5"

  /// Writes a call to its transcript for each file `spend-N` in its data dir, and ends when `finish` is there.
  static let standIn = #"""
    #!/bin/bash
    id=$LOOOP_SESSION_ID
    place="$CLAUDE_CONFIG_DIR/projects/p"
    mkdir -p "$place"
    echo unsaved >work.txt
    n=0
    while [ ! -e "$LOOOP_DATA_DIR/finish-$id" ]; do
      if [ -e "$LOOOP_DATA_DIR/spend-$id-$((n + 1))" ]; then
        n=$((n + 1))
        printf '{"type":"assistant","sessionId":"s-%s","cwd":"%s","timestamp":"%s","requestId":"q%s-%s","message":{"id":"m%s","model":"claude-sonnet-4-5","usage":{"input_tokens":0,"output_tokens":40000}}}\n' \
          "$id" "$PWD" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$id" "$n" "$n" >>"$place/s-$id.jsonl"
      fi
      sleep 0.05
    done
    """#

  static func fleet(_ settings: String = "") throws -> FleetUnderTest {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n\(settings)")
    try fleet.scratch.write(standIn, to: "bin/claude", mode: 0o755)
    return fleet
  }

  static func tenant(_ name: String, _ fleet: FleetUnderTest, budget: String) throws {
    try fleet.makeRepository(name)
    try fleet.makeTenant(
      name,
      yaml: """
        repos: { \(name): \(fleet.repository(name)) }
        runner_home: \(fleet.scratch.appending("home-\(name)"))
        budget: { \(budget) }

        """)
  }

  static func wish(_ worker: String, of tenant: String, _ fleet: FleetUnderTest, sandbox: Bool = true) throws {
    let command = "\(fleet.scratch.appending("bin/claude")) --model \(model) {{prompt_file}}"
    let place = sandbox ? ["--repo", tenant] : []
    let wished = try RunningProcess.run(
      BuiltProducts.looop,
      ["_", "worker", "start", worker, "--command", command, "--goal", "goal"] + place + ["do", "it"],
      environment: ["LOOOP_DATA_DIR": fleet.dataDir(tenant).root.string])
    guard wished.exitCode == 0 else { throw TestFailure("worker start: \(wished.errors)") }
  }

  static func spend(_ number: Int, _ worker: String, of tenant: String, _ fleet: FleetUnderTest) throws {
    try fleet.scratch.write("", to: "tenants/\(tenant)/spend-\(worker)-\(number)")
  }

  static func budget(_ tenant: String, _ fleet: FleetUnderTest) throws -> JSON? { try fleet.tenant(tenant)?["budget"] }
  static func spent(_ tenant: String, _ fleet: FleetUnderTest) throws -> Double {
    try budget(tenant, fleet)?["usd"]?["spent"]?.double ?? -1
  }

  static func told(_ tenant: String, _ fleet: FleetUnderTest) -> String {
    let names = (try? Directory.names(fleet.dataDir(tenant).tells)) ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted()
      .compactMap { FileReading.of(fleet.dataDir(tenant).tells.appending($0)).text }.joined()
  }

  @Test func `a worker is held for, metered, warned, stopped after the grace with its work parked, and settled`() throws
  {
    let fleet = try Self.fleet("  grace: 3s\n")
    try Self.tenant("web", fleet, budget: "usd_per_day: 2")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    try Self.wish("first", of: "web", fleet)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "first")?["phase"]?.string == "running" }, "\(fleet.log)")
    let held = try #require(try Self.budget("web", fleet)?["usd"]?["reserved"]?.double)
    #expect(held > 1 && held <= 2)
    #expect(try fleet.worker("web", "first")?["usd"]?.isNull == true)

    // A second does not fit beside it: it waits with its reason.
    try Self.wish("second", of: "web", fleet)
    #expect(
      try eventually(within: 20) {
        try fleet.worker("web", "second")?["reason"]?.string?.contains("budget") == true
      }, "\(fleet.log)")

    try Self.spend(1, "first", of: "web", fleet)
    #expect(try eventually(within: 20) { try Self.spent("web", fleet) == Self.call })
    #expect(try fleet.worker("web", "first")?["usd"]?.double == Self.call)
    let report = try fleet.run("budget", "web", "--json").json
    let share = report?["tenants"]?.array?.first?["shares"]?.array?.first { $0["kind"]?.string == "worker" }
    #expect(share?["goal"]?.string == "goal" && share?["worker"]?.string == "first")
    #expect(share?["model"]?.string == Self.model && share?["usd"]?.double == Self.call)
    #expect(Self.told("web", fleet).isEmpty)

    // 90 %: told. The fourth is over: held, asked, told again, and stopped three seconds later.
    for number in 2...3 { try Self.spend(number, "first", of: "web", fleet) }
    #expect(eventually(within: 20) { Self.told("web", fleet).contains("are spent") }, "\(fleet.log)")
    try Self.spend(4, "first", of: "web", fleet)
    #expect(try eventually(within: 20) { try fleet.phase("web") == "held" }, "\(fleet.log)")
    #expect(try fleet.asks().contains { $0["ask_id"]?.string?.hasPrefix("budget-") == true })
    #expect(
      try eventually(within: 30) { try fleet.worker("web", "first")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(
      try eventually(within: 10) { try fleet.worker("web", "first")?["reason"]?.string?.contains("budget") == true })
    #expect(fleet.log.contains("save and commit your work"))
    #expect(try eventually(within: 20) { try Self.budget("web", fleet)?["usd"]?["reserved"]?.double == 0 })
    #expect(try Self.spent("web", fleet) == 2.4)
    #expect(
      try eventually(within: 20) {
        try fleet.git("web", "for-each-ref", "refs/looop/parked").output.contains("refs/looop/parked/first")
      }, "\(fleet.log)")

    // More money for today: what waited starts.
    let ask = try #require(try fleet.asks().first { $0["ask_id"]?.string?.hasPrefix("budget-") == true }?["id"]?.string)
    #expect(try fleet.run("answer", ask, "raise 20").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "second")?["phase"]?.string == "running" }, "\(fleet.log)")
    try fleet.scratch.write("", to: "tenants/web/finish-second")
    #expect(try eventually(within: 20) { try fleet.worker("web", "second")?["phase"]?.string == "exited" })
  }

  @Test func `a worker that ends while the supervisor is dead is charged once it is back, and a shell script is free`()
    throws
  {
    let fleet = try Self.fleet()
    try Self.tenant("web", fleet, budget: "usd_per_day: 5")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    try Self.wish("agent", of: "web", fleet)
    #expect(try fleet.looop("web", "_", "worker", "start", "script", "sleep 2").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "agent")?["phase"]?.string == "running" }, "\(fleet.log)")
    #expect(try eventually(within: 20) { try fleet.worker("web", "script")?["phase"]?.string == "exited" })
    try Self.spend(1, "agent", of: "web", fleet)
    #expect(try eventually(within: 20) { try Self.spent("web", fleet) == Self.call })
    fleet.killSupervisor()
    try Self.spend(2, "agent", of: "web", fleet)
    let transcript = fleet.scratch.appending("home-web/claude/projects/p/s-agent.jsonl")
    #expect(eventually(within: 10) { FileReading.of(transcript).text?.contains("m2") == true })
    try fleet.scratch.write("", to: "tenants/web/finish-agent")
    try fleet.start()
    #expect(try eventually(within: 20) { try Self.spent("web", fleet) == 2 * Self.call }, "\(fleet.log)")
    #expect(try eventually(within: 20) { try Self.budget("web", fleet)?["usd"]?["reserved"]?.double == 0 })
    #expect(try fleet.worker("web", "script")?["usd"]?.isNull == true)
    #expect(try fleet.worker("web", "agent")?["usd"]?.double == 2 * Self.call)
  }

  @Test func `an agent that somebody starts elsewhere is charged to its tenant, as nobody's`() throws {
    let fleet = try Self.fleet()
    try Self.tenant("web", fleet, budget: "usd_per_day: 20")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    // With a worker alive every metering looks.
    try Self.wish("agent", of: "web", fleet)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "agent")?["phase"]?.string == "running" }, "\(fleet.log)")
    let line =
      #"{"type":"assistant","sessionId":"s","cwd":"/elsewhere","timestamp":"2099-01-01T00:00:00.000Z","requestId":"q","message":{"id":"m","model":"claude-sonnet-4-5","usage":{"input_tokens":0,"output_tokens":40000}}}"#
    // Written anew until the fleet has begun to look: what lies in the home from before is not charged.
    let isCharged = try eventually(within: 20, every: 200) {
      try fleet.scratch.write(line + "\n", to: "home-web/claude/projects/elsewhere/s.jsonl")
      return try Self.spent("web", fleet) == Self.call
    }
    #expect(isCharged, "\(fleet.log)")
    let shares = try fleet.run("budget", "web", "--json").json?["tenants"]?.array?.first?["shares"]?.array ?? []
    let share = shares.first { $0["usd"]?.double == Self.call }
    #expect(share?["worker"]?.isNull == true && share?["goal"]?.isNull == true && share?["kind"]?.isNull == true)
    #expect(try fleet.run("budget", "web").output.contains("unattributed"))
    #expect(try fleet.worker("web", "agent")?["usd"]?.double ?? 0 == 0)
  }

  @Test func `the fleet's own cap stops the workers of all tenants, each told and parked`() throws {
    let fleet = try Self.fleet("  grace: 3s\n  budget: { usd_per_day: 3 }\n")
    for name in ["web", "api"] { try Self.tenant(name, fleet, budget: "usd_per_day: 50") }
    try fleet.start()
    #expect(try eventually(within: 20) { try ["web", "api"].allSatisfy { try fleet.phase($0) == "running" } })
    for name in ["web", "api"] {
      try Self.wish(name, of: name, fleet)
      #expect(
        try eventually(within: 20) { try fleet.worker(name, name)?["phase"]?.string == "running" }, "\(fleet.log)")
    }
    for number in 1...4 { try Self.spend(number, "web", of: "web", fleet) }
    #expect(
      eventually(within: 20) {
        ["web", "api"].allSatisfy { Self.told($0, fleet).contains("the whole fleet: $2.40 of today's $3.00 are spent") }
      }, "\(fleet.log)")
    try Self.spend(1, "api", of: "api", fleet)
    for name in ["web", "api"] {
      #expect(
        try eventually(within: 30) { try fleet.worker(name, name)?["phase"]?.string == "exited" }, "\(fleet.log)")
      #expect(
        try eventually(within: 10) { try fleet.worker(name, name)?["reason"]?.string?.contains("budget") == true })
      #expect(
        fleet.log.contains("worker \(name) is told: the whole fleet: today's budget of $3.00 is spent: save and commit")
      )
      #expect(
        try eventually(within: 20) {
          try fleet.git(name, "for-each-ref", "refs/looop/parked").output.contains("refs/looop/parked/\(name)")
        }, "\(fleet.log)")
    }
    // Nothing new starts, and it says whose budget that is.
    try Self.wish("late", of: "api", fleet)
    #expect(
      try eventually(within: 20) { try fleet.worker("api", "late")?["reason"]?.string?.contains("fleet") == true })
  }

  @Test func `of forty wishes of eight tenants and money for three exactly three start`() throws {
    // Three first workers with this model are held for about $1.44 each; a fourth does not fit.
    let fleet = try Self.fleet("  budget: { usd_per_day: 5 }\n")
    let names = (1...8).map { "t\($0)" }
    for name in names { try Self.tenant(name, fleet, budget: "usd_per_day: 50") }
    try fleet.start()
    #expect(try eventually(within: 30) { try names.allSatisfy { try fleet.phase($0) == "running" } })
    for name in names { for number in 1...5 { try Self.wish("w\(number)", of: name, fleet, sandbox: false) } }
    #expect(
      try eventually(within: 40) { try fleet.workers().count { $0["phase"]?.string == "running" } == 3 }, "\(fleet.log)"
    )
    // Some more meterings later it is still three, and all others say why.
    #expect(
      try eventually(within: 20) {
        try fleet.workers().filter { $0["phase"]?.string == "pending" }
          .count { $0["reason"]?.string?.isEmpty == false && $0["position"]?.int != nil } == 37
      })
    #expect(try fleet.workers().count { $0["phase"]?.string == "running" } == 3)
    #expect(try fleet.workers().contains { $0["reason"]?.string?.contains("the fleet's budget") == true })
  }
}
