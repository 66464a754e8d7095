import SystemPackage

/// What one worker has used so far, from the transcripts of its runner: `looop _ usage`, which a fleet calls again and again while the
/// worker lives, and once when it has ended.
package enum WorkerUsage {
  /// Runs of the loop itself whose streams are looked into for a session that is not on record yet.
  private static let recentRuns = 4

  package static func find(
    _ record: WorkerRecord, data: DataDir, environment: HostEnvironment
  ) -> TranscriptFinder.Finding {
    TranscriptFinder(environment: environment).find(
      directory: record.sandbox.map { FilePath($0) } ?? data.root, since: record.startedAt ?? record.requestedAt,
      excluding: tickSessions(data))
  }

  /// A decide's session is charged from its own stream. Its transcript lies in the same home, and in the same directory where a
  /// worker has no sandbox: two sources of one run, never to be added.
  static func tickSessions(_ data: DataDir) -> Set<String> {
    var sessions = Set(UsageBaseline.read(data).sessions.map(\.session))
    let names = (try? Directory.names(data.runs)) ?? []
    for name in names.suffix(recentRuns) {
      let path = data.run(name).appending("events.ndjson")
      guard case .contents(let bytes) = FileReading.of(path, maximumBytes: 64 << 20) else { continue }
      for line in bytes.prefix(64 << 10).split(separator: 0x0A).prefix(20) {
        // The last line of a prefix is cut: no session is named by it.
        guard let json = try? JSON(parsing: Array(line)) else { continue }
        for key in ["session_id", "thread_id", "sessionID"] {
          if let session = json[key]?.string { sessions.insert(session) }
        }
        if json["type"]?.string == "session", let session = json["id"]?.string { sessions.insert(session) }
      }
    }
    return sessions
  }
}
