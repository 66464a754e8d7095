/// Makes ``SessionSummary`` values from what lies in the data dir.
package enum SessionSummaries {
  /// Workers only, sorted by id. `pending` are the asks that wait for a human.
  package static func workers(
    _ data: DataDir, sessions: [Session], pending: [AskRecord], now: Int64, stuckAfter: Int64 = Health.stuckAfter
  ) -> [SessionSummary] {
    let blocking = Dictionary(grouping: pending.filter { !$0.detached }, by: \.worker)
    let verify = Verify(data)
    let tells = pendingTells(data)
    let live = sessions.filter { !$0.isPulse }.map { session in
      let idle = Sessions.idleSeconds(session.id, in: data, now: now)
      let asks = blocking[session.id] ?? []
      let verdict = verify.verdict(session.id)
      return SessionSummary(
        id: session.id, state: session.state.rawValue, alive: session.isAlive, exitCode: session.exitCode,
        health: Health.of(
          isAlive: session.isAlive, isWaiting: !asks.isEmpty, idleSeconds: idle, stuckAfter: stuckAfter
        ).rawValue,
        verify: verdict?.passed, idleSeconds: session.isAlive ? idle : nil,
        uptimeSeconds: session.isAlive ? session.startedAt.map { max(0, now - $0) } : nil,
        askAgeSeconds: asks.map(\.ts).min().map { max(0, now - $0) },
        pendingTells: tells[session.id] ?? 0, verifyOutput: verdict?.output)
    }
    return (live + wishes(data, without: Set(live.map(\.id)))).sorted { $0.id < $1.id }
  }

  /// Wishes that wait for the fleet, and those that could not be started: the decider must see them, or it wishes again.
  private static func wishes(_ data: DataDir, without known: Set<String>) -> [SessionSummary] {
    let records = WorkerRecords(data)
    // Unreadable records show no wish here; the report names them as a problem.
    return ((try? records.ids()) ?? []).filter { !known.contains($0) }.compactMap { id in
      guard let record = records.read(id).record else { return nil }
      // One that is being started looks as it did before: it must not vanish for a moment, which would be a changed world.
      let phase: WorkerRecord.Phase
      switch record.phase {
      case .pending, .starting: phase = .pending
      case .failed: phase = .failed
      case .running, .exited: return nil
      }
      return SessionSummary(
        id: id, state: phase.rawValue, alive: false, exitCode: nil, health: phase.rawValue, pendingTells: 0,
        verifyOutput: record.reason)
    }
  }

  /// The row of the pulse, shown even if it never ran. Up means: somebody holds the pulse's lock.
  package static func pulse(_ data: DataDir, sessions: [Session], now: Int64) -> SessionSummary {
    let session = sessions.first(where: \.isPulse)
    let isUp = FileLock.isHeld(data.pulseLock)
    return SessionSummary(
      id: Session.pulse, state: session?.state.rawValue ?? (isUp ? "running" : "exited"), alive: isUp,
      exitCode: session?.exitCode, health: isUp ? "up" : "down",
      idleSeconds: isUp ? Sessions.idleSeconds(Session.pulse, in: data, now: now) : nil,
      uptimeSeconds: isUp ? session?.startedAt.map { max(0, now - $0) } : nil, pendingTells: 0)
  }

  /// How many messages wait for each worker, from one look at the directory.
  private static func pendingTells(_ data: DataDir) -> [String: Int] {
    // An unreadable directory shows no tells: the number is information only.
    let stems = (try? Directory.stems(data.tells, extension: "json")) ?? []
    return Dictionary(grouping: stems.compactMap(worker(ofRecord:)), by: { $0 }).mapValues(\.count)
  }

  private static func worker(ofRecord stem: String) -> String? {
    guard let dash = stem.lastIndex(of: "-") else { return nil }
    return String(stem[..<dash])
  }
}
