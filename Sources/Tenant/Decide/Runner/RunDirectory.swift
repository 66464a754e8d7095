import CLinux
import Glibc
package import SystemPackage

/// `runs/<id>/`: what one decision saw and said — `prompt.md`, `events.ndjson` (raw), `output.log` (rendered).
package struct RunDirectory: Hashable, Sendable {
  package let id: String
  package let path: FilePath

  package var prompt: FilePath { path.appending("prompt.md") }
  package var events: FilePath { path.appending("events.ndjson") }
  package var output: FilePath { path.appending("output.log") }

  package init(id: String, _ data: DataDir) {
    self.id = id
    path = data.run(id)
  }

  /// The next free id: `tick-YYYYMMDD-HHMMSS` in local time, `-2`, `-3` … where the second is taken. Nothing is written.
  package static func next(_ data: DataDir, now: Int64) -> RunDirectory {
    let stem = "tick-\(LocalTime(now).stamp)"
    var id = stem
    var number = 2
    while exists(data.run(id)), number < 10_000 {
      id = "\(stem)-\(number)"
      number += 1
    }
    return RunDirectory(id: id, data)
  }

  /// Writes the prompt: from here on there is something to replay.
  package func create(prompt text: String) throws(HostError) {
    try Directory.create(path)
    try AtomicFile.write(text, to: prompt, mode: 0o600)
  }

  /// Keeps the newest runs by their time; 0 = all. What cannot be removed now is tried again after the next decision.
  package static func prune(_ data: DataDir, keep: Int) {
    guard keep > 0, let names = try? Directory.names(data.runs), names.count > keep else { return }
    let dated = names.map { (name: $0, time: modified(data.run($0))) }
      .sorted { ($0.time, $0.name) > ($1.time, $1.name) }
    for old in dated.dropFirst(keep) { try? Directory.removeTree(data.run(old.name)) }
  }

  private static func exists(_ path: FilePath) -> Bool {
    var status = stat()
    return unsafe path.withPlatformString { unsafe lstat($0, &status) } == 0
  }

  private static func modified(_ path: FilePath) -> Int64 {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe lstat($0, &status) }) == 0 else { return 0 }
    return Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
  }
}
