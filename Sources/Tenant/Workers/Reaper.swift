import SystemPackage

/// Takes away what ended workers left, when it is old enough: session directory, verify state, undelivered tells, record.
package struct Reaper: Sendable {
  package let data: DataDir
  /// Age of an ended session's directory after which it goes; 0 = at once. `LOOOP_SESSION_TTL`, config `session_ttl`.
  package var ttlSeconds: Int64

  package static let defaultTTL: Int64 = 259_200
  /// A half-made session directory older than this has no maker any more.
  static let debrisAge: Int64 = 3600

  package init(_ data: DataDir, ttlSeconds: Int64 = defaultTTL) {
    self.data = data
    self.ttlSeconds = ttlSeconds
  }

  /// Removes aged corpses and records what has ended. Returns the removed ids. `sessions` is one listing of this beat.
  @discardableResult
  package func run(_ sessions: [Session], now: Int64) -> [String] {
    var reaped: [String] = []
    for session in sessions where session.isCorpse {
      // Undatable is kept.
      guard let modified = Sessions.modified(data.session(session.id)), now - modified >= ttlSeconds else { continue }
      if remove(session) { reaped.append(session.id) }
    }
    settleRecords(sessions, now: now)
    sweepDebris(now: now)
    return reaped
  }

  /// Removes one dead session with all that belongs to it, whatever its age. `false` where it could not be removed, or is another's now.
  private func remove(_ session: Session) -> Bool {
    let records = WorkerRecords(data)
    // Losing the cause is right: the directory stays listed as a corpse and the next beat tries again.
    let removed = try? records.locked {
      // Looked at again: the id may have been taken anew since the listing.
      guard let current = Sessions.find(session.id, in: data), current.isCorpse, current.holder == session.holder else {
        return false
      }
      SessionLeftovers.end(current)
      try Directory.removeTree(data.session(session.id))
      Verify(data).clear(session.id)
      Tells(data).discard(session.id)
      if let record = records.read(session.id).record, record.phase == .exited || record.phase == .failed {
        records.remove(session.id)
      }
      return true
    }
    return removed == true
  }

  /// Persists what the records no longer say rightly: workers that ended, launches that died. Writes only on a change.
  private func settleRecords(_ sessions: [Session], now: Int64) {
    let records = WorkerRecords(data)
    let byID = Dictionary(sessions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for id in (try? records.ids()) ?? [] {
      guard let record = records.read(id).record else { continue }
      // A session that started after the listing must not look gone.
      let session = byID[id] ?? Sessions.find(id, in: data)
      let observed = WorkerRecords.observed(record, session: session, now: now)
      if observed.phase == .exited || observed.phase == .failed {
        if observed.phase != record.phase {
          // Derived anew at each look: a failed write costs nothing.
          try? records.replace(record, with: observed)
        } else if session == nil, now - (observed.startedAt ?? observed.requestedAt) >= ttlSeconds {
          try? records.replace(record, with: nil)
        }
      }
    }
  }

  private func sweepDebris(now: Int64) {
    for name in (try? Directory.debris(data.sessions)) ?? [] {
      let path = data.sessions.appending(name)
      if let modified = Sessions.modified(path), now - modified >= Self.debrisAge { try? Directory.removeTree(path) }
    }
  }
}
