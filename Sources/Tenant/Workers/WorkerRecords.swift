import SystemPackage

/// The records `workers/<id>.json` and the briefs `workers/<id>.md` beside them: what was wished, written before anything
/// starts.
package struct WorkerRecords: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  /// How long a record may say `starting` before a missing session means that its launcher died.
  package static let launchGrace: Int64 = 30

  package enum Reading: Hashable, Sendable {
    case absent
    case unreadable(String)
    case record(WorkerRecord)

    package var record: WorkerRecord? { if case .record(let record) = self { record } else { nil } }
  }

  package func read(_ id: String) -> Reading {
    switch StateFile.read(data.worker(id)) {
    case .absent: return .absent
    case .unreadable(let error): return .unreadable(error.description)
    case .corrupt(let reason): return .unreadable("workers/\(id).json is corrupt: \(reason)")
    case .value(let json):
      return WorkerRecord(id: id, json: json).map(Reading.record) ?? .unreadable("workers/\(id).json is not a record")
    }
  }

  package func ids() throws(HostError) -> [String] {
    try Directory.stems(data.workers, extension: "json").filter(Identifier.isValidSession)
  }

  /// Runs `body` while nobody else starts, records or clears away a worker of this data dir.
  package func locked<Result>(_ body: () throws -> Result) throws -> Result {
    try Directory.create(data.workers)
    return try FileLock.withDirectory(data.workers, body)
  }

  /// Writes `new`, or removes the record, where it still is `old`: whoever looked without the lock must not write over a newer wish.
  package func replace(_ old: WorkerRecord, with new: WorkerRecord?) throws {
    try locked {
      guard read(old.id).record == old else { return }
      if let new { try write(new) } else { remove(old.id) }
    }
  }

  /// Writes the record; what others added to the file survives.
  package func write(_ record: WorkerRecord) throws(HostError) {
    try Directory.create(data.workers)
    var json = record.json
    if let old = StateFile.read(data.worker(record.id)).value?.object,
      old["generation"]?.string == record.generation
    {
      for (key, value) in old where json[key] == nil { json[key] = value }
    }
    try StateFile.write(json, to: data.worker(record.id))
  }

  private func briefPath(_ id: String) -> FilePath { data.workers.appending("\(id).md") }

  package func writeBrief(_ text: String, _ id: String) throws(HostError) {
    try Directory.create(data.workers)
    try AtomicFile.write(text.hasSuffix("\n") ? text : text + "\n", to: briefPath(id))
  }

  package func brief(_ id: String) -> String? { FileReading.of(briefPath(id)).text }

  package func remove(_ id: String) {
    AtomicFile.remove(data.worker(id))
    AtomicFile.remove(briefPath(id))
  }

  /// The record as it is now: what it says, corrected by what the session shows. Pure.
  package static func observed(_ record: WorkerRecord, session: Session?, now: Int64) -> WorkerRecord {
    var record = record
    switch record.phase {
    case .pending, .failed, .exited: return record
    case .starting, .running: break
    }
    guard let session else {
      if record.phase == .starting, now - (record.startedAt ?? record.requestedAt) < launchGrace { return record }
      record.reason = record.phase == .starting ? "its launcher died" : "its session is gone"
      record.phase = .failed
      return record
    }
    if session.isAlive {
      record.phase = .running
      record.process = session.identity ?? record.process
      record.startedAt = session.startedAt ?? record.startedAt
      return record
    }
    record.phase = .exited
    record.reason =
      switch session.state {
      case .exited: session.exitCode == 0 ? nil : "exit code \(session.exitCode.map(String.init) ?? "unknown")"
      case .killed: "killed"
      case .starting, .running: "its holder died"
      }
    return record
  }

  /// A record for a session that has none (looop 1.0 wrote it).
  package static func synthesized(_ session: Session, now: Int64) -> WorkerRecord {
    var record = WorkerRecord(id: session.id, requestedAt: session.startedAt ?? 0, generation: "")
    record.phase = .running
    record.startedAt = session.startedAt
    record.process = session.identity
    return observed(record, session: session, now: now)
  }
}
