import Tenant
import Testing

@testable import Fleet

@Suite struct ReconcileTests {
  static func state(_ change: (inout TenantState) -> Void = { _ in }) -> TenantState {
    var state = TenantState(interval: 60)
    state.lease = .held
    state.refresh = .current
    state.lastBeat = TenantReport.Beat(outcome: .unchanged)
    change(&state)
    return state
  }

  @Test func `a tenant that is new is taken over before anything else`() {
    for nudge in [Nudge.due, .touched, .stirred, .look] {
      #expect(Reconcile.plan(TenantState(interval: 60), nudge) == [.takeOver(reason: "it is new here")])
    }
  }

  @Test func `a beat comes when it is due or when a file was touched, and not because the mailbox stirred`() {
    #expect(Reconcile.plan(Self.state(), .due) == [.beat(force: false, reason: "its interval is over")])
    #expect(Reconcile.plan(Self.state(), .touched) == [.beat(force: false, reason: "one of its files was touched")])
    #expect(Reconcile.plan(Self.state(), .stirred) == [])
    #expect(Reconcile.plan(Self.state { $0.refresh = .stale }, .stirred).count == 1)
  }

  @Test func `a touched file does not make a tenant in trouble beat at once, and hastens its next try`() {
    let troubled = Self.state { $0.failures = 3 }
    #expect(Reconcile.plan(troubled, .touched) == [.hasten(reason: "one of its files was touched")])
    #expect(Reconcile.plan(troubled, .due) == [.beat(force: false, reason: "its interval is over")])
  }

  @Test func `the first beat of a tenant is forced, so that a restart looks once`() {
    let plan = Reconcile.plan(Self.state { $0.lastBeat = nil }, .due)
    #expect(plan == [.beat(force: true, reason: "its interval is over")])
  }

  @Test func `nothing starts twice`() {
    for activity in [TenantState.Activity.queued(force: false), .beating(since: 1)] {
      #expect(Reconcile.plan(Self.state { $0.activity = activity }, .due) == [])
    }
    #expect(Reconcile.plan(Self.state { $0.lease = .taking }, .due) == [])
    #expect(Reconcile.plan(Self.state { $0.refresh = .running }, .stirred) == [])
  }

  @Test func `a paused tenant's mailbox is still read, a frozen one's is not`() {
    let paused = Self.state {
      $0.paused = true
      $0.refresh = .stale
    }
    #expect(Reconcile.plan(paused, .due) == [.report(reason: "its mailbox or its workers changed")])
    var frozen = paused
    frozen.frozen = true
    #expect(Reconcile.plan(frozen, .due) == [])
  }

  @Test func `a foreign tenant is only looked at when its time comes`() {
    let foreign = Self.state { $0.lease = .foreign("another pulse") }
    #expect(Reconcile.plan(foreign, .touched) == [])
    #expect(Reconcile.plan(foreign, .due).count == 1)
  }

  @Test(
    arguments: [
      (0, nil, 60.0), (1, nil, 60), (2, nil, 120), (3, nil, 240), (4, nil, 480), (5, nil, 900), (7, nil, 900),
      (8, nil, 3600), (100, nil, 3600), (0, 1_005, 5), (0, 900, 1), (0, 9_000, 300), (3, 1_005, 240),
    ] as [(Int, Int64?, Double)])
  func `the next beat comes after the interval, sooner at the loop's wish, later in trouble`(
    failures: Int, wish: Int64?, expected: Double
  ) {
    let state = Self.state { $0.failures = failures }
    #expect(Reconcile.delay(state, nextWakeAt: wish, wall: 1000) == expected)
  }

  @Test func `every phase has its reason in words`() {
    let cases: [(TenantState, TenantPhase)] = [
      (Self.state(), .running), (Self.state { $0.paused = true }, .paused), (Self.state { $0.frozen = true }, .paused),
      (Self.state { $0.drained = true }, .paused),
      (
        Self.state { $0.held = AdmissionRefusal(scope: .fleet, axis: .usd, reason: "it is spent", retryAt: nil) }, .held
      ),
      (Self.state { $0.lease = .foreign("another pulse") }, .foreign),
      (Self.state { $0.lease = .unavailable("its data dir is missing") }, .degraded),
      (
        Self.state {
          $0.failures = 2
          $0.trouble = "its beat crashed"
        }, .degraded
      ),
      (Self.state { $0.failures = TenantState.quarantineAfter }, .quarantined),
      (Self.state { $0.decideFailures = 1 }, .degraded),
      (Self.state { $0.decideFailures = TenantState.quarantineAfter }, .quarantined),
    ]
    for (state, phase) in cases {
      #expect(state.phase.phase == phase)
      if phase != .running { #expect(state.phase.reason?.isEmpty == false) }
    }
  }

  @Test(
    arguments: [
      ("data", "PLAYBOOK.md", Nudge.touched, false), ("data", "journal.md", nil, false),
      ("data", ".last-tick-hash", nil, false), ("data", "config.json", .touched, false),
      ("goals", "ship.md", .touched, false), ("goals", ".ship.md.12.tmp", nil, false),
      ("goals", ".dirlock", nil, false),
      ("answers", "w-1.json", .touched, true), ("asks", "w-1.json", .stirred, true),
      ("workers", "w.json", .stirred, true), ("parked", "1.json", .stirred, true),
      ("schedules", "x.json", .touched, false), ("elsewhere", "x", nil, false),
    ] as [(String, String, Nudge?, Bool)])
  func `a touched file means`(place: String, name: String, nudge: Nudge?, outdatesReport: Bool) {
    let touch = FileTouch(place: place, name: name)
    #expect(touch?.nudge == nudge)
    #expect((touch?.outdatesReport ?? false) == outdatesReport)
  }
}
