/// Ends a worker, or takes back the wish for one that has not started.
package struct WorkerKill: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  /// Throws ``Refusal``: the pulse is not a worker; a session that is not alive cannot be killed.
  /// Returns the id that was killed (an id with a legacy `looop-` prefix is understood).
  @discardableResult
  package func kill(_ given: String, reason: String? = nil, now: Int64) throws -> String {
    let id = resolve(given)
    guard id != Session.pulse else {
      throw Refusal(.invalid, "the pulse is not a worker", hint: "looop down stops the loop")
    }
    try Identifier.check(id, .worker)
    let records = WorkerRecords(data)
    if !Sessions.isAlive(id, in: data), try records.locked({ try withdraw(id, reason: reason) }) { return id }
    // It may have started while the lock was waited for.
    guard Sessions.isAlive(id, in: data) else {
      let known = Sessions.find(id, in: data) != nil
      throw Refusal(
        .notFound, known ? "worker \(id) is not running" : "no such worker: \(id)",
        hint: "looop worker list --all shows all")
    }
    let generation = records.read(id).record?.generation
    try SessionControl(data).kill(id)
    // The verify obligation stays: whoever is killed may have finished.
    Tells(data).discard(id)
    try records.locked {
      guard let session = Sessions.find(id, in: data), let record = records.read(id).record,
        record.generation == generation
      else { return }
      var observed = WorkerRecords.observed(record, session: session, now: now)
      if observed.phase == .exited { observed.reason = "killed" + (reason.map { ": \($0)" } ?? "") }
      try records.write(observed)
    }
    return id
  }

  /// `false` where nothing waits to start.
  private func withdraw(_ id: String, reason: String?) throws -> Bool {
    let records = WorkerRecords(data)
    guard var record = records.read(id).record, record.phase == .pending else { return false }
    record.phase = .failed
    record.reason = "withdrawn before it started" + (reason.map { ": \($0)" } ?? "")
    try records.write(record)
    return true
  }

  private func resolve(_ id: String) -> String {
    let prefix = "looop-"
    guard id.hasPrefix(prefix), Sessions.find(id, in: data) == nil, WorkerRecords(data).read(id) == .absent else {
      return id
    }
    return String(id.dropFirst(prefix.count))
  }
}
