import Logging
import SystemPackage
import TestSupport
import Testing

@testable import Fleet
@testable import Tenant

/// What the supervisor makes of a day's money, with a ledger on a disk and no process of any tenant.
@Suite(.timeLimit(.minutes(1))) struct SupervisorMoneyTests {
  private let scratch: ScratchDirectory
  private let fleet: Supervisor

  init() throws {
    scratch = try ScratchDirectory("money")
    let state = scratch.appending("state")
    try Directory.create(state)
    fleet = try Supervisor(
      paths: FleetPaths(
        configuration: scratch.appending("etc"), state: state, socket: scratch.appending("fleet.sock")),
      programs: .init(looop: "/nonexistent/looop", fleet: "/nonexistent/looop-fleet"),
      environment: HostEnvironment([:]), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private var now: ClockReading { .now(.system) }

  private func tenant(usd: Double, decides: Int64? = nil) async {
    var settings = TenantSettings()
    settings.usdPerDay = .value(MicroUSD(reported: usd)!)
    if let decides { settings.decidesPerDay = .value(decides) }
    await fleet.add(
      TenantConfiguration(id: .web, dataDirectory: scratch.appending("web"), settings: settings, zone: .utc))
  }

  /// Charged without a wish or a word to the supervisor, as a decide does that takes more than it was held for.
  private func spend(_ usd: Int64, _ run: String) async throws {
    let (now, rules, fleetRules) = (now, try #require(await fleet.rules(ofWeb: ())), await fleet.fleetRules)
    try await fleet.ledger.perform { ledger in
      let request = RunRequest(tenant: .web, kind: .tick, runID: run, runner: "claude")
      let granted = try ledger.reserve(
        request, worstCase: BudgetAmounts(usd: MicroUSD(micros: 1), decides: 1), tenant: rules, fleet: fleetRules,
        prices: .shipped, now: now
      ).granted
      guard let granted else { throw TestTrouble() }
      try ledger.settle(granted, of: .web, charges: [LedgerFixture.charge(run, usd)], now: now)
    }.get()
  }

  private struct TestTrouble: Error {}

  @Test func `a run that overspends holds its tenant and asks, whoever wishes for what next`() async throws {
    await tenant(usd: 3)
    try await spend(3_500_000, "dear")
    await fleet.refreshBudget("web")
    #expect(await eventually(within: .seconds(10)) { await fleet.held?.axis == .usd })
    #expect(await fleet.held?.reason.hasPrefix("today's budget of $3.00 is spent ($3.50)") == true)
    #expect(await fleet.tenants["web"]?.state.phase.phase == .held)
    let asked = await fleet.budgetAsks.map(\.id)
    #expect(asked.count == 1)
    // It stands at its next reading, and is asked once.
    await fleet.refreshBudgets()
    #expect(await fleet.held != nil)
    #expect(await fleet.budgetAsks.map(\.id) == asked)
    // More money lets it go; the raised cap spent as well asks anew.
    let (now, rules) = (now, try #require(await fleet.rules(ofWeb: ())))
    _ = try await fleet.ledger.perform {
      try $0.raise(
        BudgetRaise(
          scope: .tenant(.web), amounts: BudgetAmounts(usd: MicroUSD(micros: 1_000_000)), actor: "a", via: "cli"),
        rules: rules, now: now)
    }.get()
    await fleet.refreshBudgets()
    #expect(await fleet.held == nil)
    #expect(await fleet.budgetAsks == [])
    try await spend(600_000, "dearer")
    await fleet.refreshBudget("web")
    #expect(await eventually(within: .seconds(10)) { await fleet.held != nil })
    #expect(await fleet.budgetAsks.map(\.id) == asked.map { $0 + "-2" })
  }

  @Test func `the last decide's worker still starts`() async throws {
    await tenant(usd: 3, decides: 1)
    try await spend(1, "last")
    await fleet.refreshBudget("web")
    #expect(await fleet.tenants["web"]?.budget?.standing == .held)
    #expect(await fleet.tenants["web"]?.breach == nil)
    #expect(await fleet.held == nil)
  }

  @Test func `a hold that the ledger does not know is no trouble of the ledger`() async throws {
    await tenant(usd: 3)
    let (now, rules, fleetRules) = (now, try #require(await fleet.rules(ofWeb: ())), await fleet.fleetRules)
    let known = RunRequest(tenant: .web, kind: .worker, runID: "known", runner: "claude", worker: "w")
    let admission = try await fleet.ledger.perform {
      try $0.adopt(known, tenant: rules, fleet: fleetRules, now: now)
    }.get()
    let stale = OpenReservation(
      id: ReservationID(number: 99), request: known, openedAt: now.wall, day: CivilDate("2026-07-27")!, left: .zero)
    await fleet.remember(stale)
    await fleet.ledgerRefused(LedgerError(.conflict, "find it", path: nil, detail: "web has no reservation r99"), "web")
    #expect(await fleet.ledgerTrouble == nil)
    #expect(await fleet.tenants["web"]?.holds.open.values.map(\.id) == [try #require(admission.granted)])
    await fleet.ledgerRefused(LedgerError(.full, "meter", path: nil, detail: ""), "web")
    #expect(await fleet.ledgerTrouble != nil)
    await fleet.stop()
  }

  @Test func `a beat has one question at a time at its door`() async throws {
    await tenant(usd: 3)
    await fleet.fillDecidePlaces()
    let question: JSON = ["op": "admit", "run_id": "tick-1", "runner": "claude"]
    async let first = fleet.admit("web", question)
    #expect(await eventually(within: .seconds(10)) { await fleet.waitingDecides["web"] != nil })
    let second = await fleet.admit("web", ["op": "admit", "run_id": "tick-2", "runner": "claude"])
    #expect(second["granted"]?.bool == false)
    #expect(second["reason"]?.string == "another question of this beat waits for a place")
    // The first still has its place in the queue, and hears of its end.
    #expect(await fleet.waitingDecides["web"] != nil)
    await fleet.dropDecide("web")
    #expect(await first["granted"]?.bool == false)
  }
}

extension Supervisor {
  fileprivate func add(_ configuration: TenantConfiguration) {
    tenants[configuration.id.name] = SupervisedTenant(
      id: configuration.id, configuration: configuration, state: TenantState(interval: 60))
  }

  fileprivate func rules(ofWeb: Void) -> BudgetRules? { tenants["web"].map(rules(of:)) }
  fileprivate var held: AdmissionRefusal? { tenants["web"]?.state.held }
  fileprivate func remember(_ hold: OpenReservation) { tenants["web"]?.holds.open[hold.request.runID] = hold }

  fileprivate func fillDecidePlaces() {
    for number in 0..<decideGate.capacity { decideGate.enqueue("other-\(number)", tenant: .api, weight: 1) }
    _ = decideGate.admit()
  }
}
