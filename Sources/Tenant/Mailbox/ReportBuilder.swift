import SystemPackage

/// Makes a ``TenantReport`` from what lies in the data dir: what a fleet learns without running a beat.
package struct ReportBuilder: Sendable {
  package let data: DataDir
  package let clock: HostClock
  /// Why the configuration cannot be used; `nil` where it can.
  package var configurationProblem: String?
  package var stuckAfter = Health.stuckAfter

  package init(_ data: DataDir, clock: HostClock, configurationProblem: String? = nil) {
    self.data = data
    self.clock = clock
    self.configurationProblem = configurationProblem
  }

  package func report(beat: TenantReport.Beat? = nil) -> TenantReport {
    let now = clock.now
    var problems = configurationProblem.map { [$0] } ?? []
    let pending = Asks(data).pending()
    problems += pending.problems
    var sessions: [Session] = []
    do throws(HostError) {
      sessions = try Sessions.list(data).filter { !$0.isPulse }
    } catch {
      problems.append(error.description)
    }
    let workers = workers(sessions, pending: pending.asks, now: now, &problems)
    let alive = Set(sessions.lazy.filter(\.isAlive).map(\.id))
    let goals = Dictionary(
      workers.compactMap { worker in worker.record.goal.map { (worker.record.id, $0) } },
      uniquingKeysWith: { first, _ in first })
    let asks = pending.asks.map { ask in
      TenantReport.Ask(
        id: ask.id, worker: ask.worker, goal: ask.goal ?? goals[ask.worker], prompt: ask.prompt, ts: ask.ts,
        reference: ask.reference, options: ask.options, irreversible: ask.irreversible,
        workerAlive: ReservedWorkers.isLoop(ask.worker) ? nil : alive.contains(ask.worker) && !ask.detached)
    }
    return TenantReport(
      dataDir: data.root.string, at: now, beat: beat, asks: asks, workers: workers,
      problems: problems)
  }

  private func workers(
    _ sessions: [Session], pending: [AskRecord], now: Int64, _ problems: inout [String]
  ) -> [TenantReport.Worker] {
    let records = WorkerRecords(data)
    let waiting = Asks.waitingWorkers(pending)
    let byID = Dictionary(sessions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var observed: [String: WorkerRecord] = [:]
    do throws(HostError) {
      for id in try records.ids() {
        switch records.read(id) {
        case .absent: continue
        case .unreadable(let reason): problems.append(reason)
        case .record(let record):
          observed[id] = WorkerRecords.observed(record, session: byID[id], now: now)
        }
      }
    } catch {
      problems.append(error.description)
    }
    for session in sessions where observed[session.id] == nil {
      observed[session.id] = WorkerRecords.synthesized(session, now: now)
    }
    return observed.values.sorted { $0.id < $1.id }.map { record in
      let session = byID[record.id]
      let isCurrent = record.phase == .running || record.phase == .exited
      let health = session.map { session in
        Health.of(
          isAlive: session.isAlive, isWaiting: waiting.contains(session.id),
          idleSeconds: Sessions.idleSeconds(session.id, in: data, now: now), stuckAfter: stuckAfter
        ).rawValue
      }
      return TenantReport.Worker(
        record: record, health: isCurrent ? health : nil, exitCode: isCurrent ? session?.exitCode : nil,
        endedAt: record.phase == .exited ? session?.lastChange : nil)
    }
  }
}
