import CLinux
import Glibc
package import SystemPackage

/// Finds and reads the transcripts of what ran in one directory since some time, in the runner homes of the user it runs as. To be
/// run as the tenant: nothing here may be read with anybody else's authority.
///
/// opencode keeps its sessions in a database; `unread` names it when it was written to meanwhile, so that nobody takes its silence for
/// zero. A fleet can read it.
package struct TranscriptFinder: Sendable {
  package struct Finding: Hashable, Sendable {
    package var transcripts: [Transcript]
    /// Runners that wrote something that cannot be read here.
    package var unread: [String]
    /// Sessions that are charged otherwise, for who reads what is unread.
    package var excluded: [String]

    /// *Shape*: `{"transcripts":[…],"unread":["opencode"],"excluded":["ses_…"]}`
    package var json: JSON {
      [
        "transcripts": .array(transcripts.map(\.json)), "unread": .array(unread.map(JSON.string)),
        "excluded": .array(excluded.map(JSON.string)),
      ]
    }

    package init(transcripts: [Transcript], unread: [String], excluded: [String] = []) {
      self.transcripts = transcripts
      self.unread = unread
      self.excluded = excluded
    }

    package init?(json: JSON) {
      guard let transcripts = json["transcripts"]?.array else { return nil }
      self.init(
        transcripts: transcripts.compactMap(Transcript.init(json:)),
        unread: (json["unread"]?.array ?? []).compactMap(\.string),
        excluded: (json["excluded"]?.array ?? []).compactMap(\.string))
    }
  }

  private let environment: HostEnvironment

  /// A home with more recent sessions than this is somebody's archive; the newest count.
  private static let maximumFiles = 512
  private static let maximumDepth = 6

  package init(environment: HostEnvironment) { self.environment = environment }

  /// What was used since then in this directory, also by sessions that are older and were taken up again.
  ///
  /// - `excluding`: sessions that are charged otherwise, the ticks'. `owns`: whether one, with all that it ever used, is the asker's.
  package func find(
    directory: FilePath, since: Int64, excluding: Set<String> = [], owns: (Transcript) -> Bool = { _ in true }
  ) -> Finding {
    let wanted = directory.lexicallyNormalized()
    return find(since: since, excluding: excluding) { transcript in
      guard let place = transcript.directory?.lexicallyNormalized(), place.starts(with: wanted) else { return false }
      return owns(transcript)
    }
  }

  /// The same, wherever it was.
  package func find(since: Int64, excluding: Set<String>, owns: (Transcript) -> Bool) -> Finding {
    var found: [Transcript] = []
    func isWanted(_ transcript: Transcript) -> Bool {
      transcript.saysSomething && !excluding.contains(transcript.session) && owns(transcript)
    }
    func take(_ transcript: Transcript) {
      let late = transcript.since(since)
      if late.saysSomething { found.append(late) }
    }
    if let home = home("CLAUDE_CONFIG_DIR", ".claude") {
      let projects = home.appending("projects")
      for file in files(below: projects, since: since) where file.removingLastComponent().lastComponent != "subagents" {
        let main = read(file, ClaudeTranscript())
        guard isWanted(main) else { continue }
        let own = file.removingLastComponent().appending(file.stem ?? "").appending("subagents")
        take(main.withSubagents(files(below: own, since: since).map { read($0, ClaudeTranscript()) }))
      }
    }
    if let home = home("CODEX_HOME", ".codex") {
      for folder in ["sessions", "archived_sessions"] {
        files(below: home.appending(folder), since: since).map { read($0, CodexTranscript()) }.filter(isWanted)
          .forEach(take)
      }
    }
    if let home = home("PI_CODING_AGENT_DIR", ".pi/agent") {
      files(below: home.appending("sessions"), since: since).map { read($0, PiTranscript()) }.filter(isWanted)
        .forEach(take)
    }
    var unread: [String] = []
    if let share = home("XDG_DATA_HOME", ".local/share"),
      ["opencode.db", "opencode.db-wal"].contains(where: {
        modified(share.appending("opencode").appending($0)) ?? 0 >= since
      })
    {
      unread.append("opencode")
    }
    return Finding(
      transcripts: found.sorted { ($0.startedAt ?? 0, $0.session) < ($1.startedAt ?? 0, $1.session) }, unread: unread,
      excluded: unread.isEmpty ? [] : excluding.sorted())
  }

  private func home(_ variable: String, _ fallback: String) -> FilePath? {
    if let named = environment[variable] { return FilePath(named) }
    return environment["HOME"].map { FilePath($0).pushing(FilePath(fallback)) }
  }

  /// `.jsonl` files written since then, newest first, as many as are read.
  private func files(below root: FilePath, since: Int64) -> [FilePath] {
    var found: [(path: FilePath, time: Int64)] = []
    func visit(_ directory: FilePath, _ depth: Int) {
      // A home that is not there, or not readable, has no sessions to charge.
      for name in (try? Directory.names(directory)) ?? [] {
        let path = directory.appending(name)
        if name.hasSuffix(".jsonl") {
          if let time = modified(path), time >= since { found.append((path, time)) }
        } else if depth < Self.maximumDepth, Directory.exists(path) {
          visit(path, depth + 1)
        }
      }
    }
    visit(root, 0)
    return found.sorted { ($0.time, $0.path.string) > ($1.time, $1.path.string) }.prefix(Self.maximumFiles).map(\.path)
  }

  private func modified(_ path: FilePath) -> Int64? {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return Int64(status.st_mtim.tv_sec)
  }

  private func read<Fold: TranscriptFold>(_ path: FilePath, _ fold: Fold) -> Transcript {
    var fold = fold
    let marks = Fold.marks.map { Array($0.utf8) }
    var splitter = LineSplitter()
    var call = OpenCall(Fold.calls)
    func take(_ line: [UInt8]) {
      call.take(line)
      guard marks.contains(where: { line.holds($0) }), let json = try? JSON(parsing: line) else { return }
      fold.take(json)
    }
    // A file that cannot be read is a session that is not known; its worker's hold stands for it.
    if let file = try? OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK, operation: "read") {
      var chunk = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let got = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(file.raw, $0.baseAddress, $0.count) }
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { break }
        splitter.feed(Array(chunk.prefix(got)), take)
      }
      // The last line may be half written; if it is whole it counts.
      splitter.finish(take)
    }
    var transcript = fold.transcript
    transcript.isOpen = call.isOpen
    return transcript
  }
}
