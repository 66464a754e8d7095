import CLinux
import Glibc
import SystemPackage

/// The sessions of the loop's own decides. Each is charged from its own stream. Its transcript lies in the same home, and in the same
/// directory where a worker has no sandbox: two sources of one run, never to be added.
struct TickSessions: Sendable {
  private(set) var named: Set<String>
  /// When those runs were whose output names no session.
  private(set) var unnamed: [ClosedRange<Int64>] = []

  /// Looks into the last runs, for sessions that are not on record yet, and into all that wrote anything since then.
  init(_ data: DataDir, recent: Int, since: Int64 = .max) {
    named = Set(UsageBaseline.read(data).sessions.map(\.session))
    let names = (try? Directory.names(data.runs)) ?? []
    for (index, name) in names.enumerated() {
      let run = RunDirectory(id: name, data)
      let times = [run.prompt, run.events, run.output].map(Self.modified)
      let end = times.compactMap(\.self).max()
      guard index >= names.count - recent || end ?? .min >= since else { continue }
      let sessions = Self.sessions(in: run.events)
      named.formUnion(sessions)
      guard sessions.isEmpty, let begin = times[0], let end else { continue }
      let goesOn = index == names.count - 1 && FileLock.isHeld(data.beatLock)
      unnamed.append(begin...max(begin, goesOn ? .max : end))
    }
  }

  /// Whether it began while a run went on that names none: it is that run's, as far as anybody can tell.
  func isUnnamed(_ transcript: Transcript) -> Bool {
    transcript.startedAt.map { start in unnamed.contains { $0.contains(start) } } ?? false
  }

  private static func sessions(in events: FilePath) -> Set<String> {
    guard case .contents(let bytes) = FileReading.of(events, maximumBytes: 64 << 20) else { return [] }
    var sessions: Set<String> = []
    for line in bytes.prefix(64 << 10).split(separator: 0x0A).prefix(20) {
      // The last line of a prefix is cut: no session is named by it.
      guard let json = try? JSON(parsing: Array(line)) else { continue }
      for key in ["session_id", "thread_id", "sessionID"] {
        if let session = json[key]?.string { sessions.insert(session) }
      }
      if json["type"]?.string == "session", let session = json["id"]?.string { sessions.insert(session) }
    }
    return sessions
  }

  private static func modified(_ path: FilePath) -> Int64? {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return Int64(status.st_mtim.tv_sec)
  }
}
