import SystemPackage

/// Writes and drops schedules; ``Schedule`` reads them.
package enum Schedules {
  /// The summary for journal and terminal.
  @discardableResult
  package static func write(
    _ data: DataDir, name: String, trigger: ScheduleTrigger, note: String?, now: Int64
  ) throws -> String {
    try Identifier.check(name, .schedule)
    let note = note.flatMap { $0.isEmpty ? nil : $0 }
    let schedule: Schedule
    let summary: String
    switch trigger {
    case .after(let seconds):
      guard seconds > 0 else { throw ActError(.invalidArgument, "in_s must be at least 1") }
      let (at, overflow) = now.addingReportingOverflow(seconds)
      schedule = .once(at: overflow ? .max : at, note: note)
      summary = "write-schedule \(name) (one-shot, due in \(seconds)s)"
    case .every(let seconds):
      guard seconds >= Schedule.minimumPeriod else {
        throw ActError(.invalidArgument, "every_s must be at least \(Schedule.minimumPeriod)")
      }
      schedule = .every(seconds: seconds, anchor: now, note: note)
      summary = "write-schedule \(name) (recurring, every \(seconds)s)"
    }
    guard let record = schedule.json else { throw ActError(.invalidArgument, "this schedule cannot be written") }
    try Directory.create(data.schedules)
    try FileLock.withDirectory(data.schedules) {
      try AtomicFile.write(record.compact + "\n", to: path(data, name))
    }
    return summary
  }

  /// Dropping an absent one is fine.
  @discardableResult
  package static func drop(_ data: DataDir, name: String) throws -> String {
    try Identifier.check(name, .schedule)
    let file = path(data, name)
    guard AtomicFile.remove(file) || HostError.last("drop", file).isAbsent else { throw HostError.last("drop", file) }
    return "drop-schedule \(name)"
  }

  private static func path(_ data: DataDir, _ name: String) -> FilePath { data.schedules.appending("\(name).json") }
}
