package import SystemPackage

/// When each goal was last acted on: `.goal-activity.json`, `{goal: unix}`. It feeds the fairness line; losing an update to a
/// race is harmless, so a stamp is a plain read, change, write under the directory's lock.
package enum GoalActivity {
  package static func path(_ data: DataDir) -> FilePath { data.path(".goal-activity.json") }

  package static func read(_ data: DataDir) -> [String: Int64] {
    (StateFile.read(path(data)).value?.object ?? [:]).compactMapValues(\.int)
  }

  package static func stamp(_ data: DataDir, goal: String, now: Int64) throws {
    try FileLock.withDirectory(data.root) {
      let current = StateFile.read(path(data)).value ?? [:]
      var activity = current.object == nil ? JSON.object([:]) : current
      activity[goal] = .int(now)
      try StateFile.write(activity, to: path(data))
    }
  }
}
