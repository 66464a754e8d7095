package import Logging
package import SystemPackage
package import Tenant

/// The one owner of a running fleet's state. Everything that happens (a beat's end, a touched file, a worker's death, a command
/// of ops) is a call here; each looks at the tenant's state, asks ``Reconcile`` what is to be done, and starts it. What runs,
/// runs outside and comes back as another call: there is no `await` between a look at the state and its change.
///
/// What must survive is elsewhere: tenants' state in their data dirs, money and the will of ops in the ``Ledger``.
package actor Supervisor {
  /// The programs that the supervisor starts.
  package struct Programs: Sendable {
    package var looop: FilePath
    package var fleet: FilePath
    package init(looop: FilePath, fleet: FilePath) {
      self.looop = looop
      self.fleet = fleet
    }
  }

  let paths: FleetPaths
  let programs: Programs
  let clock: HostClock
  let logger: Logger
  let ledger: LedgerLane
  let feed: ChangeFeed
  let watch: WakeWatch
  let confinement: Confinement
  let environment: HostEnvironment
  let startedAt: Double

  var fleet: FleetConfiguration
  var tenants: [String: SupervisedTenant] = [:]
  /// Files of the configuration that were refused, and why; shown until they are mended.
  var refused: [ConfigurationProblem] = []
  /// How many tenants name each Unix user; those that name none share the supervisor's.
  var namesakes: [String: Int] = [:]
  /// How many tenants name each repository.
  var repositoryNamers: [FilePath: Int] = [:]
  /// Users as they were looked up last, by name, and when.
  var users: [String: (found: Result<TenantUser, TenantUser.Failure>, at: Double)] = [:]
  /// What ``currentStanding()`` found last; forgotten with each configuration.
  var standing: Standing?
  var timetable = Timetable()
  /// When each tenant's sandboxes are looked after next.
  var tendings = Timetable()
  var beatGate = FairGate<String>(capacity: 4)
  /// Tenants in trouble and slow ones: their beats never take a well tenant's place.
  var slowGate = FairGate<String>(capacity: 2)
  var decideGate = FairGate<String>(capacity: 4)
  /// Decides that wait for a place, by run.
  var waitingDecides: [String: CheckedContinuation<Bool, Never>] = [:]
  let helperPlaces = Places(8, mostEach: 2)
  /// Of tenants in trouble, or whose last helper hung.
  let slowHelperPlaces = Places(4, mostEach: 1)
  /// What may rightly take minutes: a worker's start.
  let longPlaces = Places(12, mostEach: 4)
  /// Verbs that come over the socket, from agents as well: they stand in nobody else's way.
  let verbPlaces = Places(8, mostEach: 2)
  /// Work on sandboxes has places of its own: a hook or a large tree may take minutes. Creations are bounded by the workers.
  let sandboxPlaces = Places(8, mostEach: 3)
  let tendingPlaces = Places(2, mostEach: 1)
  /// One by one, for each repository of a tenant: what stands there becomes the measure, and then somebody comes.
  let measuringPlaces = Places(.max, mostEach: 1)
  let ports: PortRegister
  let baselines: AuditBaselines
  var log = LogRing()
  var refusedOrders = RecordedOrders(RecordedOrders.refused)
  var tenantOrders = RecordedOrders(RecordedOrders.done)
  var prices = PriceTable.shipped
  /// Why no decide may start in the whole fleet: the ledger cannot be written.
  var ledgerTrouble: String?
  /// …and what can be done about it.
  var ledgerHint: String?
  /// Whether the orders of ops (pause, freeze) could be read since we began.
  var knowsOrders = false
  var fleetBudget: BudgetState?
  /// What was announced of the fleet's day.
  var fleetMarks = BudgetMarks()
  /// The fleet's day and caps that are spent and have asked for more.
  var fleetBreach: String?
  /// The day on which charges of long ago were last thrown away.
  var forgottenOn: CivilDate?
  /// Breached budgets, of tenants or of the fleet, that ask for a raise: our own asks, beside the tenants'.
  var budgetAsks: [BudgetAsk] = []
  /// Tells hooks about asks; made anew when the configuration names other ones.
  var notices: (hooks: FleetConfiguration.Hooks, notifier: Notifier)?
  var delivery = Delivery()
  var stopping = false
  /// Everything is being stopped on request: nothing new starts, also in what is left of this supervisor's life.
  var draining = false
  /// …and nobody is left.
  var isStopped = false
  /// Tenants that were stopped for good: a late look at one of them must not start a process again.
  var drained: Set<String> = []

  /// All that was set going and is not done.
  var errands = Errands()
  /// Tenants whose last report names wishes for workers, so that a report that does not concern workers costs no look at all tenants.
  var wishful: Set<String> = []

  /// Who did something since the last look at what tenants use of the machine.
  var stirred: Set<String> = []
  /// Tenants that are configured no longer and of whom something lived when they went: their control groups go when nobody does.
  var strays: Set<String> = []
  var diskWatch = DiskWatch()
  let diskReserve: DiskReserve
  /// Why room could not be set aside, as it was said last.
  var reserveTrouble: HostError?

  private var alarm: Task<Void, Never>?
  private var alarmDue: Double?

  package init(
    paths: FleetPaths, programs: Programs, environment: HostEnvironment, clock: HostClock = .system, logger: Logger
  ) throws {
    self.paths = paths
    self.programs = programs
    self.clock = clock
    self.logger = logger
    self.environment = environment
    ledger = LedgerLane(Ledger(path: paths.ledger))
    feed = ChangeFeed(clock: clock)
    ports = PortRegister(file: paths.ports)
    diskReserve = DiskReserve(file: paths.reserve)
    baselines = AuditBaselines(directory: paths.baselines)
    watch = try WakeWatch()
    confinement = Confinement(
      Confinement.Options(
        looop: programs.looop, environment: environment, stateDirectory: paths.state, socket: paths.socket))
    startedAt = clock.monotonic()
    fleet = FleetConfiguration(zone: .utc)
  }

  /// Knows its tenants and what ops ordered when this is over: nobody may ask it before.
  package func prepare(_ configured: ConfigurationLoad) async {
    watch.start()
    await recoverLedger()
    collectGroups(sparing: configured)
    await apply(configured)
    await recallMemoryEnds()
  }

  /// Runs until ``stop()``. Live workers go on without us.
  package func run() async {
    begin { await $0.keepBooks() }
    begin { await $0.keepLooking() }
    begin { await $0.keepRoom() }
    for await event in watch.events { heard(event) }
    await finishErrands()
  }

  package func stop() async {
    guard !stopping else { return }
    stopping = true
    alarm?.cancel()
    for waiting in waitingDecides.values { waiting.resume(returning: false) }
    waitingDecides = [:]
    feed.stop()
    watch.stop()
  }

  // MARK: - What is heard

  private func heard(_ event: WakeWatch.Event) {
    switch event {
    case .file(let tenant, let place, let name):
      guard let touch = FileTouch(place: place, name: name) else { return }
      if touch.outdatesReport { soil(tenant) }
      reconcile(tenant, touch.nudge)
    case .lost(let tenant): lostSight(of: tenant)
    case .overflow(let tenants):
      for tenant in tenants {
        soil(tenant)
        reconcile(tenant, .touched)
      }
    case .ended(let process):
      for (name, tenant) in tenants where tenant.followed.contains(process) {
        tenants[name]?.followed.remove(process)
        soil(name)
        // A worker's end is news for its loop as well.
        reconcile(name, .touched)
      }
    }
  }

  /// What the last report says is no longer the whole truth.
  func soil(_ name: String) {
    guard let refresh = tenants[name]?.state.refresh else { return }
    switch refresh {
    case .current: tenants[name]?.state.refresh = .stale
    case .running: tenants[name]?.state.refresh = .runningStale
    case .stale, .runningStale: break
    }
  }

  // MARK: - What is done about it

  func reconcile(_ name: String, _ nudge: Nudge) {
    guard !stopping, !draining, let tenant = tenants[name] else { return }
    if nudge == .touched, case .beating = tenant.state.activity { tenants[name]?.state.wakeAfterBeat = true }
    for change in Reconcile.plan(tenant.state, nudge) {
      switch change {
      case .takeOver: startTakeOver(name)
      case .beat(let force, _): requestBeat(name, force: force)
      case .hasten: hasten(name, to: tenant.state.interval)
      case .report: startReport(name)
      }
    }
  }

  func schedule(_ name: String, in seconds: Double) {
    timetable.schedule(name, at: clock.monotonic() + max(0, seconds))
    setAlarm()
  }

  /// Sooner than planned, never later.
  private func hasten(_ name: String, to seconds: Double) {
    if let due = timetable.due(of: name), due <= clock.monotonic() + seconds { return }
    schedule(name, in: seconds)
  }

  func unschedule(_ name: String) {
    timetable.cancel(name)
    setAlarm()
  }

  func setAlarm() {
    let due = [timetable.earliest(), tendings.earliest()].compactMap { $0 }.min()
    guard due != alarmDue, !stopping else { return }
    alarm?.cancel()
    alarmDue = due
    guard let due else { return }
    let delay = max(0, due - clock.monotonic())
    alarm = Task {
      // Cancelled means that another alarm was set.
      try? await Task.sleep(for: .seconds(delay))
      if !Task.isCancelled { rang() }
    }
  }

  private func rang() {
    alarmDue = nil
    for name in timetable.take(dueBy: clock.monotonic()) {
      // Whatever becomes of this nudge, the tenant is looked at again.
      if let tenant = tenants[name] {
        timetable.schedule(name, at: clock.monotonic() + tenant.state.interval)
      }
      reconcile(name, .due)
    }
    tendDue()
    setAlarm()
  }

  /// Answers when the actor answers: the sign of life for the watchdog.
  func pulse() {}

  // MARK: - Words

  func say(_ text: String, about tenant: String? = nil, level: Logger.Level = .info) {
    log.append(text, tenant: tenant, at: clock.now)
    logger.log(level: level, "\(tenant.map { "\($0): " } ?? "")\(text)")
  }

  func changed(_ category: ChangeCategory, about tenant: String? = nil) {
    if category == .asks || category == .answers { deliverAsks() }
    feed.changed([category], tenant: tenant)
  }
}
