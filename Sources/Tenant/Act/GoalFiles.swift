import Glibc
import SystemPackage

/// Goals: desired state, one markdown file each. Written whole under the directory's lock; archived, never deleted.
package enum GoalFiles {
  package static func write(_ data: DataDir, id: String, body: String) throws {
    try Identifier.check(id, .goal)
    let text = try PolicyBody.stored(body, "goal")
    try Directory.create(data.goals)
    try FileLock.withDirectory(data.goals) {
      try AtomicFile.write(text, to: data.goal(id))
    }
  }

  /// Moves a goal to `goals/archive/<id>.md`, or `<id>-1.md` and on where that name is taken.
  package static func archive(_ data: DataDir, id: String) throws {
    try Identifier.check(id, .goal)
    try Directory.create(data.goalArchive)
    try FileLock.withDirectory(data.goals) {
      guard exists(data.goal(id)) else {
        throw ActError(.notFound, "there is no goal \"\(id)\"", hint: "looop state --json names the goals")
      }
      var target = data.goalArchive.appending("\(id).md")
      var number = 0
      while exists(target) {
        number += 1
        target = data.goalArchive.appending("\(id)-\(number).md")
      }
      guard AtomicFile.rename(from: data.goal(id), to: target) == 0 else {
        throw HostError.last("archive", data.goal(id))
      }
      try AtomicFile.synchronizeDirectory(data.goalArchive)
      try AtomicFile.synchronizeDirectory(data.goals)
    }
  }

  private static func exists(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, F_OK) } == 0
  }
}
