import CLinux
import Glibc
import SystemPackage

/// What a human (or another program) may have changed while nobody looked: policy, answers, asks, schedules, rules, configuration,
/// sensor scripts. Compared, not counted: an event only says that it is worth comparing.
package struct WakeStamp: Hashable, Sendable {
  package var policyHash = ""
  /// Path below the data dir → size, time and inode.
  private var files: [String: String] = [:]

  package init() {}

  package static func of(_ data: DataDir) -> WakeStamp {
    var stamp = files(data)
    stamp.policyHash = policy(data)
    return stamp
  }

  /// Without the policy: the caller has just read it.
  static func files(_ data: DataDir) -> WakeStamp {
    var stamp = WakeStamp()
    for file in ["rules.json", "config.json"] { stamp.add(data.root, file) }
    let collections = [
      (data.answers, "json"), (data.asks, "json"), (data.schedules, "json"), (data.sensors, "sh"),
      (data.workers, "json"),
    ]
    for (directory, suffix) in collections {
      // An unlistable directory is an empty one here: it wakes at most once.
      for stem in (try? Directory.stems(directory, extension: suffix)) ?? [] {
        stamp.add(directory, "\(stem).\(suffix)")
      }
    }
    // A worker that came or went.
    for id in (try? Directory.names(data.sessions)) ?? [] { stamp.add(data.session(id), "status.json") }
    return stamp
  }

  private mutating func add(_ directory: FilePath, _ name: String) {
    var status = stat()
    let path = directory.appending(name)
    guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return }
    files[path.string] = "\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ino)"
  }

  /// The hash of PLAYBOOK and goals as they are now.
  private static func policy(_ data: DataDir) -> String {
    func reading(_ path: FilePath) -> FileReading {
      let reading = FileReading.of(path)
      if case .unreadable = reading, Directory.exists(path) { return .absent }
      return reading
    }
    // An unlistable directory shows as one change: the beat that follows says what is wrong.
    let goals = ((try? Directory.stems(data.goals, extension: "md")) ?? [])
      .map { World.Goal(id: $0, reading: reading(data.goal($0))) }.filter { $0.reading != .absent }
    return World(playbook: reading(data.playbook), goals: goals, snapshots: []).policyHash
  }
}
