import SystemPackage

/// The `state` document: everything about one loop at a glance, from files alone.
package struct StateView: Sendable {
  package let dataDir: String
  package let worldHash: String
  package let isPulseAlive: Bool
  /// Snapshot stem → value; what is not JSON is left out.
  package let snapshots: [String: JSON]
  package let asks: [AskRecord]
  /// Dead ones too, without the pulse, the most recent change first.
  package let workers: [Session]
  package let goals: [String]
  package let journalTail: [String]
  /// What could not be read, in words.
  package let problems: [String]

  package static let journalLines = 20
  /// No journal line that anybody reads is further from the end.
  private static let journalBytes = 1 << 20

  package static func read(_ data: DataDir) -> StateView {
    let world = World.read(data)
    let pending = Asks(data).pending()
    var problems = pending.problems + world.problems.map(\.description)
    var sessions: [Session] = []
    do throws(HostError) {
      sessions = try Sessions.list(data)
    } catch {
      problems.append(error.description)
    }
    let workers = sessions.filter { !$0.isPulse }
      .sorted { ($0.lastChange ?? 0, $1.id) > ($1.lastChange ?? 0, $0.id) }
    return StateView(
      dataDir: data.root.string, worldHash: world.hash, isPulseAlive: FileLock.isHeld(data.pulseLock),
      snapshots: Dictionary(
        world.snapshots.compactMap { snapshot in snapshot.json.map { (snapshot.stem, $0) } },
        uniquingKeysWith: { _, last in last }),
      asks: pending.asks, workers: workers, goals: world.goals.map(\.id), journalTail: journalTail(data),
      problems: problems)
  }

  /// The last lines of the journal, verbatim.
  package static func journalTail(_ data: DataDir, lines: Int = journalLines) -> [String] {
    let text = FileTail.read(data.journal, maximumBytes: journalBytes)
    return text.split(separator: "\n", omittingEmptySubsequences: true).suffix(lines).map(String.init)
  }

  /// Shape: as looop 1.0's `state --json`; `changed` and `token` are `wait`'s.
  package func write(to writer: inout JSONWriter, changed: [String]? = nil, token: String? = nil) {
    writer.object { state in
      state.member("asks") { $0.list(asks) { $1.write(to: &$0) } }
      if let changed { state.member("changed") { $0.list(changed) { $0.write($1) } } }
      state.member("data_dir") { $0.write(dataDir) }
      state.member("goals") { $0.list(goals) { $0.write($1) } }
      state.member("journal_tail") { $0.list(journalTail) { $0.write($1) } }
      state.member("pulse_alive") { $0.write(.bool(isPulseAlive)) }
      state.member("snapshots") { $0.write(.object(snapshots)) }
      if let token { state.member("token") { $0.write(token) } }
      state.member("workers") {
        $0.list(workers) { writer, worker in
          writer.write([
            "id": .string(worker.id), "state": .string(worker.state.rawValue), "alive": .bool(worker.isAlive),
            "exit_code": .optional(worker.exitCode),
          ])
        }
      }
      state.member("world_hash") { $0.write(worldHash) }
    }
  }
}
