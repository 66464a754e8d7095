import Glibc
import SystemPackage

/// The living processes of this machine as `/proc` shows them: who descends from whom, who is in which session.
package struct ProcessTable {
  private(set) var entries: [Int32: ProcessStat] = [:]

  package static func read() -> ProcessTable {
    var table = ProcessTable()
    // Without /proc nothing is known: the caller then ends only what it started itself.
    for name in (try? Directory.names("/proc")) ?? [] {
      if let pid = Int32(name), let stat = ProcessStat.of(pid), !stat.isEnded { table.entries[pid] = stat }
    }
    return table
  }

  /// Everything below `root`, without the sessions that were started from inside it: those have their own holder and their
  /// own life.
  func descendants(of root: Int32) -> [Int32] {
    var children: [Int32: [Int32]] = [:]
    for (pid, stat) in entries { children[stat.parent, default: []].append(pid) }
    var found: [Int32] = []
    var queue = children[root] ?? []
    while let pid = queue.popLast() {
      if Self.isSessionHolder(pid) { continue }
      found.append(pid)
      queue += children[pid] ?? []
    }
    return found
  }

  /// Members of a session whose leader is known to have been `leader`.
  package func members(ofSession leader: Int32) -> [Int32] {
    entries.filter { $0.value.session == leader }.map(\.key)
  }

  private static func isSessionHolder(_ pid: Int32) -> Bool {
    guard case .contents(let bytes) = FileReading.of(FilePath("/proc/\(pid)/cmdline"), maximumBytes: 1 << 20) else {
      return false
    }
    var words = bytes.split(separator: 0, maxSplits: 4, omittingEmptySubsequences: false).dropFirst()
      .map { String(decoding: $0, as: UTF8.self) }
    if words.first == "_" { words.removeFirst() }
    return words.count >= 2 && words[0] == "run" && words[1] == "--detached-id"
  }
}

/// Ends what a holder left behind when it was killed itself.
package enum SessionLeftovers {
  /// SIGKILL for every process of the session's terminal. A session's number is not given out again while a member lives,
  /// and a process that is older than the record is somebody else's.
  package static func end(_ session: Session) {
    guard let child = session.childPid, child > 1,
      session.identity.map({ $0.bootID == ProcessIdentity.currentBootID }) ?? false
    else { return }
    for _ in 0..<20 {
      let members = ProcessTable.read().members(ofSession: child).filter { pid in
        guard let start = session.identity?.startTime, let seen = ProcessIdentity.of(pid) else { return false }
        return seen.startTime >= start
      }
      guard !members.isEmpty else { return }
      for pid in members { kill(pid, SIGKILL) }
      _ = poll(nil, 0, 10)
    }
  }
}
