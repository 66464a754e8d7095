import Tenant

/// One tenant in the supervisor's memory: what is wanted (its configuration), what was seen (its last report), what is under way.
struct SupervisedTenant: Sendable {
  let id: TenantID
  var configuration: TenantConfiguration
  var state: TenantState
  var report: TenantReport?
  /// The pulse lock of its data dir.
  var lock: TakeOver.HeldLock?
  var budget: BudgetState?
  /// What was announced of its day.
  var marks = BudgetMarks()
  /// The day and caps that are spent and have asked for more.
  var breach: String?
  /// Workers whose start is under way here, by id.
  var starting: Set<String> = []
  /// Ended workers of which something still lives that is being stopped: their ids start nothing meanwhile.
  var ending: [String: Task<Void, Never>] = [:]
  var unrecorded = UnrecordedWorkers()
  var holds = WorkerHolds()
  /// Its runner home is being looked through.
  var isSweeping = false
  /// Whether the ledger may have a hold of one of its decides: it is asked after a beat only then, for most beats decide nothing.
  var mayHoldDecides = true
  /// What the kernel did to ended workers, in words, by generation.
  var memoryEnds: [String: String] = [:]
  /// Live workers that the fleet did not start, in words, by generation.
  var strangers: [String: String] = [:]
  var sandboxes = SandboxKeeping()
  var use = UseMeter()
  var occupation = DiskOccupation()
  /// The beat's process, to be ended with the tenant.
  var beat: ProcessIdentity?
  /// Stops its deadline while the tenant is frozen.
  var pause: BeatProcess.Pause?
  /// A worker's record is not enough to know its end: who was followed until now.
  var followed: Set<ProcessIdentity> = []

  /// Its last short helper did not answer in time.
  var helperHung = false

  /// Whether its helpers may run beside the well tenants'.
  var isSound: Bool { state.failures == 0 && !helperHung }

  /// What an earlier supervisor left open of it in the ledger.
  mutating func know(_ open: [OpenReservation]) {
    let workers = open.filter { $0.request.kind == .worker }.map { ($0.request.runID, $0) }
    holds.open.merge(workers) { here, _ in here }
    holds.isLoaded = true
    if workers.count < open.count { mayHoldDecides = true }
  }

  var pendingWorkers: [TenantReport.Worker] {
    (report?.workers ?? []).filter { $0.record.phase == .pending && !starting.contains($0.record.id) }
  }

  var liveWorkers: [TenantReport.Worker] {
    (report?.workers ?? []).filter { $0.record.phase == .running || $0.record.phase == .starting }
  }

  /// Who holds its live workers' sessions, as the tenant reports it.
  var leaders: [ProcessIdentity] { liveWorkers.compactMap(\.record.process) }

  /// Live ones, those that are on their way and not yet in a report, and those that no report tells of any more.
  var liveCount: Int { Set(liveWorkers.map(\.record.id)).union(starting).union(unrecorded.ids).count }
}
