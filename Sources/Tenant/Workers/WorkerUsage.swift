import SystemPackage

/// What one worker has used so far, from the transcripts of its runner: `looop _ usage`, which a fleet calls again and again while the
/// worker lives, and once when it has ended.
package enum WorkerUsage {
  /// Runs of the loop itself whose streams are looked into for a session that is not on record yet.
  private static let recentRuns = 4

  package static func find(
    _ record: WorkerRecord, data: DataDir, environment: HostEnvironment
  ) -> TranscriptFinder.Finding {
    let others = (try? records(data)) ?? []
    return TranscriptFinder(environment: environment).find(
      directory: place(record, data), since: begin(record), excluding: tickSessions(data)
    ) { transcript in isOf(record, transcript, among: others) { $0.process?.isAlive ?? false } }
  }

  /// Those that were started.
  static func records(_ data: DataDir) throws(HostError) -> [WorkerRecord] {
    let records = WorkerRecords(data)
    return try records.ids().compactMap { records.read($0).record }.filter { $0.startedAt != nil }
  }

  static func place(_ record: WorkerRecord, _ data: DataDir) -> FilePath {
    record.sandbox.map { FilePath($0) } ?? data.root
  }

  private static func begin(_ record: WorkerRecord) -> Int64 { record.startedAt ?? record.requestedAt }

  /// Which of the workers in one directory a session belongs to: nothing in it says so. Pure.
  ///
  /// One that began beside them is the latest started one's. One that is older was taken up again: by this worker, unless another that
  /// still lives used it before this one started, or one that started later was there when it went on.
  static func isOf(
    _ record: WorkerRecord, _ transcript: Transcript, among all: [WorkerRecord], isAlive: (WorkerRecord) -> Bool
  ) -> Bool {
    guard let session = transcript.startedAt else { return true }
    let own = begin(record)
    let others = all.filter { $0.id != record.id && $0.sandbox == record.sandbox }
    let times = transcript.times
    let wentOn = session >= own ? session : times.first { $0 >= own } ?? session
    let hasLater = others.contains { begin($0) <= wentOn && (begin($0), $0.id) > (own, record.id) }
    guard session < own, !hasLater else { return !hasLater }
    return !others.contains { other in
      begin(other) < own && times.contains { (begin(other)..<own).contains($0) } && isAlive(other)
    }
  }

  /// What lies in the runner home since then and is neither a decide's nor a worker's: somebody started an agent elsewhere, from a
  /// sensor, a command or a worker. For a fleet, in which the home is this tenant's alone.
  ///
  /// What lies in a sandbox is its worker's for good. The data dir is a worker's place only while one lives there: what that one used is
  /// charged by then, and known by its events.
  package static func unclaimed(
    since: Int64, data: DataDir, environment: HostEnvironment
  ) throws(HostError) -> TranscriptFinder.Finding {
    let ticks = TickSessions(data, recent: recentRuns, since: since)
    let workers = try records(data).filter { $0.sandbox != nil || $0.process?.isAlive ?? false }
    return TranscriptFinder(environment: environment).find(since: since, excluding: ticks.named) { transcript in
      guard !ticks.isUnnamed(transcript) else { return false }
      // Who says nothing of its place may be a worker, whose own reading would not find it either.
      guard let directory = transcript.directory?.lexicallyNormalized(), let last = transcript.times.last else {
        return true
      }
      return !workers.contains { begin($0) <= last && directory.starts(with: place($0, data).lexicallyNormalized()) }
    }
  }

  static func tickSessions(_ data: DataDir) -> Set<String> { TickSessions(data, recent: recentRuns).named }
}
