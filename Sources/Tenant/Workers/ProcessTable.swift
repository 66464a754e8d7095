import Glibc
import SystemPackage

/// The processes of this machine as `/proc` shows them: who descends from whom, who is in which session.
package struct ProcessTable {
  struct Entry {
    var pid: Int32
    var parent: Int32
    var session: Int32
    var isZombie: Bool
  }

  private(set) var entries: [Int32: Entry] = [:]

  package static func read() -> ProcessTable {
    var table = ProcessTable()
    // Without /proc nothing is known: the caller then ends only what it started itself.
    guard let names = try? Directory.names("/proc") else { return table }
    for name in names {
      guard let pid = Int32(name), let text = FileReading.of(FilePath("/proc/\(pid)/stat"), maximumBytes: 4096).text,
        let close = text.lastIndex(of: ")")
      else { continue }
      let fields = text[text.index(after: close)...].split(separator: " ", maxSplits: 4)
      guard fields.count > 3, let parent = Int32(fields[1]), let session = Int32(fields[3]) else { continue }
      table.entries[pid] = Entry(pid: pid, parent: parent, session: session, isZombie: fields[0] == "Z")
    }
    return table
  }

  /// Everything below `root`, without the sessions that were started from inside it: those have their own holder and their
  /// own life.
  func descendants(of root: Int32) -> [Int32] {
    var children: [Int32: [Int32]] = [:]
    for entry in entries.values where !entry.isZombie { children[entry.parent, default: []].append(entry.pid) }
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
    entries.values.filter { $0.session == leader && !$0.isZombie }.map(\.pid)
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
