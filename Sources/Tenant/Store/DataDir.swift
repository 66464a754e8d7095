package import SystemPackage

/// One tenant's data dir: where everything of one loop lies. Only paths; no I/O.
package struct DataDir: Hashable, Sendable {
  package let root: FilePath

  package init(_ root: FilePath) { self.root = root }

  package func path(_ relative: String) -> FilePath { root.pushing(FilePath(relative)) }

  package var playbook: FilePath { root.appending("PLAYBOOK.md") }
  package var playbookHistory: FilePath { root.appending("playbook.d") }
  package var goals: FilePath { root.appending("goals") }
  package var goalArchive: FilePath { goals.appending("archive") }
  package var sensors: FilePath { root.appending("sensors") }
  package var snapshots: FilePath { root.appending("snapshots") }
  package var schedules: FilePath { root.appending("schedules") }
  package var asks: FilePath { root.appending("asks") }
  package var answers: FilePath { root.appending("answers") }
  package var tells: FilePath { root.appending("tells") }
  package var consumedTells: FilePath { tells.appending("consumed") }
  package var claims: FilePath { root.appending("claims") }
  package var reports: FilePath { root.appending("reports") }
  package var verify: FilePath { root.appending("verify") }
  package var prompts: FilePath { root.appending("prompts") }
  package var runs: FilePath { root.appending("runs") }
  package var sessions: FilePath { root.appending("sessions") }
  /// Wishes for workers, one record each (ours; looop 1.0 ignores it).
  package var workers: FilePath { root.appending("workers") }
  /// Irreversible moves that wait for a yes (ours).
  package var parkedMoves: FilePath { root.appending("parked") }

  package var journal: FilePath { root.appending("journal.md") }
  package var events: FilePath { root.appending("events.jsonl") }
  package var costs: FilePath { root.appending("cost.jsonl") }
  package var tickLog: FilePath { root.appending("tick.log") }
  package var decision: FilePath { root.appending(".decision.json") }
  package var rules: FilePath { root.appending("rules.json") }

  package var lockDirectory: FilePath { root.appending(".lock") }
  /// Held for a pulse's whole life; never unlinked.
  package var pulseLock: FilePath { lockDirectory.appending("lock") }
  package var pulsePid: FilePath { lockDirectory.appending("pid") }
  /// Held during each beat (ours), so that a beat that outlived its supervisor and the next one never overlap.
  package var beatLock: FilePath { lockDirectory.appending("beat") }

  /// `{"v":1,"socket":…,"tenant":…}`: a fleet manages this data dir.
  package var fleetMark: FilePath { root.appending(".fleet.json") }

  package func ask(_ id: String) -> FilePath { asks.appending("\(id).json") }
  package func answer(_ id: String) -> FilePath { answers.appending("\(id).json") }
  package func goal(_ id: String) -> FilePath { goals.appending("\(id).md") }
  package func session(_ id: String) -> FilePath { sessions.appending(id) }
  package func worker(_ id: String) -> FilePath { workers.appending("\(id).json") }
  package func run(_ id: String) -> FilePath { runs.appending(id) }
}
