import SystemPackage

/// One beat: sense, decide, act. What a pulse does in a loop, and a fleet as one short process.
///
/// Level-triggered: a beat starts from the files and leaves files; nothing of an earlier beat lives on in memory.
package struct Beat {
  let data: DataDir
  let environment: HostEnvironment
  let binary: FilePath
  let clock: HostClock
  let log: (Notice) -> Void
  let knobs: BeatKnobs
  let events: EventLog

  package init(_ setup: LoopSetup) {
    data = setup.data
    environment = setup.environment.inBeat
    binary = setup.binary
    clock = setup.clock
    log = setup.log
    knobs = BeatKnobs(environment)
    events = EventLog(data, clock: clock, maximumBytes: knobs.eventsMaxBytes)
  }

  package struct Result: Hashable, Sendable {
    package var report: TenantReport.Beat
    /// The decision's own wish for the nap, seconds.
    package var nap: Int64?
    /// The loop's files as this beat left them: whatever differs later was somebody else.
    package var stamp = WakeStamp()
  }

  package func run(force: Bool, admission: inout some DecideAdmission) -> Result {
    let started = clock.monotonic()
    var result: Result
    do throws(HostError) {
      try Directory.create(data.lockDirectory)
      // Held until this function returns.
      let lock = try FileLock.tryTaking(data.beatLock)
      if let lock {
        result = beat(force: force, admission: &admission)
        _ = consume lock
      } else {
        result = Result.idle("another beat of this data dir is running")
      }
    } catch {
      result = Result.idle("the beat's lock cannot be taken: \(error)", outcome: .failed)
    }
    result.report.durationMS = ((clock.monotonic() - started) * 10_000).rounded() / 10
    return result
  }

  private func beat(force: Bool, admission: inout some DecideAdmission) -> Result {
    let due = NextWake.read(data).flatMap { $0.due <= clock.now ? $0 : nil }
    let config = RunnerConfig.read(data, environment)
    keepHouse(config)
    takeAnswers(config)

    // Sense.
    let look = sense(config)
    var result = Result.idle("")
    result.stamp = look.stamp

    // Decide.
    switch gates(look, forced: force || due != nil) {
    case .unchanged:
      result.report.outcome = .unchanged
      result.report.reason = nil
    case .unreadable(let reason):
      result.report.reason = "the last decision cannot be read: \(reason)"
      log(Notice(.warn, "tick.guard_degraded", result.report.reason ?? ""))
    case .backingOff(let fails, let retryIn, let repair):
      if let repair { attempt("tick.guard_degraded") { try repair.write(data) } }
      result.report.reason = "backing off after \(fails) failure\(fails == 1 ? "" : "s"); next try in \(retryIn) s"
      note(
        "tick_backoff", .warn, "tick.backoff", result.report.reason,
        ["fails": .int(Int64(fails)), "retry_in_s": .int(retryIn)])
    case .capped(let retryIn):
      result.report.reason = "\(knobs.maxDecidesPerHour) decisions in the last hour; next one in \(retryIn) s"
      note("tick_capped", .warn, "tick.capped", result.report.reason, ["retry_in_s": .int(retryIn)])
    case .unusable(let reason):
      result.report.reason = reason
      log(Notice(.error, "tick.error", reason))
    case .decide(let cause):
      events.append("tick_start")
      events.append("sense_done")
      if cause == .revisit {
        note("noop_revisit", .info, "tick.revisit", "the world has not changed for long: looking again")
      }
      if cause == .forced { log(Notice(.info, "tick.forced", "this decision was asked for")) }
      if cause == .policyEdited {
        log(Notice(.info, "tick.backoff_cut", "the policy was edited: trying again at once"))
      }
      decideAndAct(look, admission: &admission, due: due, &result)
    }
    result.report.fails = fails
    result.report.nextWakeAt = NextWake.read(data)?.due
    return result
  }

  /// Decide → act, and the records of either end.
  private func decideAndAct(
    _ look: Look, admission: inout some DecideAdmission, due: NextWake?, _ result: inout Result
  ) {
    switch decide(look, admission: &admission) {
    case .held(let reason, let retryAt):
      result.report.outcome = .held
      result.report.reason = reason
      note("budget_exceeded", .warn, "tick.held", reason, ["reason": .string(reason), "retry_at": .optional(retryAt)])
    case .notStarted(let reason):
      result.report.reason = reason
      log(Notice(.error, "tick.error", reason))
    case .failed(let failure):
      result.report.runID = failure.runID
      honour(due)
      record(failure, look, &result)
    case .move(let decision):
      result.report.runID = decision.runID
      result.report.action = decision.move.action.name
      honour(due)
      result.report.isOutdated = WakeStamp.of(data) != look.stamp
      act(decision, look, &result)
      result.stamp = WakeStamp.of(data)
    }
    RunDirectory.prune(data, keep: knobs.runsKeep)
  }

  private func act(_ decision: Decision, _ look: Look, _ result: inout Result) {
    do {
      let executed = try executor(look.config).execute(decision.move)
      executed.notices.forEach(log)
      succeed(decision, executed, look, &result)
    } catch {
      record(Failure(runID: decision.runID, code: LastFailure.failed, error: "\(error)"), look, &result)
    }
  }

  private func honour(_ due: NextWake?) {
    guard let due else { return }
    attempt("tick.guard_degraded") { try due.honour(data) }
  }

  var fails: Int {
    switch Backoff.read(data) {
    case .none: 0
    case .known(let backoff): backoff.fails
    case .broken: Backoff.assumedFails
    }
  }

  /// A record that cannot be written costs a warning, not the beat.
  func attempt(_ code: String, _ body: () throws -> Void) {
    do {
      try body()
    } catch {
      log(Notice(.warn, code, "\(error)"))
    }
  }

  /// One line for people and one event for machines.
  func note(
    _ event: String, _ level: Notice.Level, _ code: String, _ message: String?, _ fields: [String: JSON] = [:]
  ) {
    events.append(event, fields)
    log(Notice(level, code, message ?? "", fields: fields))
  }
}

extension Beat.Result {
  static func idle(_ reason: String, outcome: TenantReport.Beat.Outcome = .idle) -> Beat.Result {
    Beat.Result(
      report: TenantReport.Beat(outcome: outcome, reason: reason))
  }
}
