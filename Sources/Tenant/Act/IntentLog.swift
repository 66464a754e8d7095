import Glibc
package import SystemPackage

/// What was about to be done, on disk before it is done. A command that was cut off by a crash is reported once and never run
/// again: nobody knows how far it came. Each actor has a file of its own, so that a manual `looop run` cannot erase the
/// pulse's record. Shape: `{"kind":"shell","fingerprint":hash,"ts":unix,"shell_timeout_secs":n}`; ours adds `owner` (who waits for the
/// command), its `session` and the `mark` that the command's processes carry.
package struct IntentLog: Sendable {
  package struct Entry: Hashable, Sendable {
    package let path: FilePath
    /// Goes into the command's environment.
    package let mark: String
  }

  /// The variable that carries the mark.
  package static let markVariable = "LOOOP_INTENT"

  package struct Interrupted: Hashable, Sendable {
    package var kind: String
    package var fingerprint: String
    package var at: Int64?

    package var notice: Notice {
      Notice(
        .warn, "tick.interrupted", "a \(kind) move was cut off by a crash and is not run again; check what it did",
        fields: ["action": .string(kind), "fingerprint": .string(fingerprint)])
    }
  }

  package let data: DataDir
  static let prefix = ".action-wal"
  /// How much longer than its timeout a command may take to be killed and cleared.
  static let grace: Int64 = 60

  package init(_ data: DataDir) { self.data = data }

  package func begin(kind: String, command: String, timeout: Int, now: Int64) throws -> Entry {
    let mark = "\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    let entry = Entry(path: data.path("\(Self.prefix).\(mark).json"), mark: mark)
    let record: JSON = [
      "kind": .string(kind), "fingerprint": .string(WorldHash.of(command.utf8)), "ts": .int(now),
      "shell_timeout_secs": .int(Int64(timeout)), "owner": ProcessIdentity.of(getpid())?.json ?? .null,
      "session": .int(Int64(getsid(0))), "mark": .string(mark),
    ]
    try FileLock.withDirectory(data.root) { try StateFile.write(record, to: entry.path) }
    return entry
  }

  package func clear(_ entry: Entry) { AtomicFile.remove(entry.path) }

  /// Records that are older than their command could have lived: removed, and reported this once.
  package func interrupted(timeout: Int, now: Int64) throws -> [Interrupted] {
    let names = try names()
    guard !names.isEmpty else { return [] }
    return try FileLock.withDirectory(data.root) {
      names.compactMap { name in
        let path = data.root.appending(name)
        guard let found = Self.judge(StateFile.read(path), timeout: timeout, now: now) else { return nil }
        return AtomicFile.remove(path) ? found : nil
      }
    }
  }

  /// Ends what is left of commands whose starter is dead: nobody holds them to their deadline any more. The answer is how many processes
  /// that were.
  package func endLeftovers() throws -> Int {
    try names().reduce(0) { sum, name in
      guard let json = StateFile.read(data.root.appending(name)).value, let mark = json["mark"]?.string,
        let session = json["session"]?.int.flatMap(Int32.init(exactly:)),
        let owner = json["owner"].flatMap(ProcessIdentity.init(json:)), !owner.isAlive,
        owner.bootID == ProcessIdentity.currentBootID
      else { return sum }
      return sum + MarkedProcesses.end("\(Self.markVariable)=\(mark)", session: session)
    }
  }

  private func names() throws -> [String] {
    try Directory.names(data.root, includingHidden: true).filter {
      $0.hasPrefix(Self.prefix + ".") && $0.hasSuffix(".json")
    }
  }

  /// `nil` while the command may still run. Pure.
  static func judge(_ file: StateFile, timeout: Int, now: Int64) -> Interrupted? {
    switch file {
    case .absent, .unreadable: return nil
    case .corrupt: return Interrupted(kind: "shell", fingerprint: "?", at: nil)
    case .value(let json):
      let found = Interrupted(
        kind: json["kind"]?.string ?? "shell", fingerprint: json["fingerprint"]?.string ?? "?", at: json["ts"]?.int)
      guard let at = found.at else { return found }
      let limit = json["shell_timeout_secs"]?.int ?? Int64(timeout)
      // Without a timeout a command may run for ever: nobody can tell a crash from patience.
      guard limit > 0 else { return nil }
      return now.subtractingReportingOverflow(at).partialValue > limit + Self.grace ? found : nil
    }
  }
}
