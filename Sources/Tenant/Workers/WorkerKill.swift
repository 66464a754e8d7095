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
    guard Sessions.isAlive(id, in: data) else {
      if var record = records.read(id).record, record.phase == .pending {
        record.phase = .failed
        record.reason = "withdrawn before it started" + (reason.map { ": \($0)" } ?? "")
        try records.write(record)
        return id
      }
      let known = Sessions.find(id, in: data) != nil
      throw Refusal(
        .notFound, known ? "worker \(id) is not running" : "no such worker: \(id)",
        hint: "looop worker list --all shows all")
    }
    try SessionControl(data).kill(id)
    // The verify obligation stays: whoever is killed may have finished.
    Tells(data).discard(id)
    if let session = Sessions.find(id, in: data), let record = records.read(id).record {
      var observed = WorkerRecords.observed(record, session: session, now: now)
      if observed.phase == .exited { observed.reason = "killed" + (reason.map { ": \($0)" } ?? "") }
      try records.write(observed)
    }
    return id
  }

  private func resolve(_ id: String) -> String {
    let prefix = "looop-"
    guard id.hasPrefix(prefix), Sessions.find(id, in: data) == nil, WorkerRecords(data).read(id) == .absent else {
      return id
    }
    return String(id.dropFirst(prefix.count))
  }
}
