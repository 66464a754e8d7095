package import SystemPackage

/// First-run seeding, safe to repeat: the directories always, the starter texts only while there is no PLAYBOOK. The configuration is
/// never written here: which runner drives the loop is an explicit choice (`init`).
package enum Seed {
  static let directories = [
    "sensors", "snapshots", "claims", "reports", "asks", "answers", "runs", "goals/archive", "prompts", "schedules",
    "tells",
    // Ours: wishes for workers, moves that wait for a yes, the locks.
    "workers", "parked", ".lock",
  ]

  /// `configuration` is the config file's path; its directory is made, the file is not.
  package static func ensure(_ data: DataDir, configuration: FilePath, now: Int64) throws(HostError) {
    let parent = configuration.removingLastComponent()
    if !parent.isEmpty { try Directory.create(parent) }
    for directory in directories { try Directory.create(data.path(directory)) }
    if case .absent = FileReading.of(data.path(".gitignore")) {
      _ = try AtomicFile.create(Array(SeedTexts.gitignore.utf8), at: data.path(".gitignore"))
    }
    if case .absent = FileReading.of(data.playbook) { try writeStarters(data, now: now) }
  }

  /// What is there already stays. The PLAYBOOK comes last: a crash before it seeds again.
  private static func writeStarters(_ data: DataDir, now: Int64) throws(HostError) {
    _ = try AtomicFile.create(Array(SeedTexts.setupGoal.utf8), at: data.goal("setup"))
    _ = try AtomicFile.create(Array(SeedTexts.dailyGoal.utf8), at: data.goal("playbook-daily"))
    _ = try AtomicFile.create(
      Array(SeedTexts.todaySensor.utf8), at: data.sensors.appending("today.sh"), mode: 0o755)
    let ask = setupAsk(now: now)
    if case .absent = FileReading.of(data.answer(ask.id)) {
      _ = try AtomicFile.create(ask.file(version: false), at: data.ask(ask.id))
    }
    _ = try AtomicFile.create(Array(SeedTexts.playbook.utf8), at: data.playbook)
  }

  /// The first question, which stands until a human says what the loop is for.
  static func setupAsk(now: Int64) -> AskRecord {
    AskRecord(
      id: "setup-1", worker: "setup", prompt: SeedTexts.setupQuestion, ts: now, reference: "goals/setup.md")
  }
}
