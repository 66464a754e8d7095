import SystemPackage

extension SystemReadings {
  /// Gathers all readings of this moment (stem → value) from the files and from what was observed.
  package static func take(
    _ data: DataDir, _ observed: Observed, now: Int64, _ notices: inout [Notice]
  ) -> [String: JSON] {
    var readings: [String: JSON] = [
      claimsStem: claims(records(data.claims, &notices)),
      goalsStem: goals(
        stems(data.goals, "md", &notices), lastActed: GoalActivity.read(data), now: now),
      schedulesStem: schedules(scheduleFiles(data, &notices), now: now),
      asksStem: asks(observed.pendingAsks, now: now),
    ]
    readings[sessionsStem] = observed.sessions.map(sessions)
    if observed.sessions == nil {
      notices.append(Notice(.warn, "fleet.list_degraded", "the sessions cannot be listed; their last reading stands"))
    }
    return readings
  }

  /// Every schedule of the data dir, readable or not.
  package static func scheduleFiles(_ data: DataDir, _ notices: inout [Notice]) -> [String: Schedule] {
    let names = stems(data.schedules, "json", &notices)
    return Dictionary(
      names.map { ($0, Schedule(StateFile.read(data.schedules.appending("\($0).json")))) },
      uniquingKeysWith: { _, last in last })
  }

  private static func records(_ directory: FilePath, _ notices: inout [Notice]) -> [String: JSON] {
    let names = stems(directory, "json", &notices)
    return Dictionary(
      names.map { ($0, StateFile.read(directory.appending("\($0).json")).value ?? .null) },
      uniquingKeysWith: { _, last in last })
  }

  private static func stems(_ path: FilePath, _ suffix: String, _ notices: inout [Notice]) -> [String] {
    do throws(HostError) {
      return try Directory.stems(path, extension: suffix)
    } catch {
      notices.append(Notice(.warn, "tick.sense_degraded", "\(error)"))
      return []
    }
  }
}
