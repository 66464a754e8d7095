import CLinux
import Glibc
package import SystemPackage

/// The files of `snapshots/`: published atomically, and only when they differ. A file that did not change is not rewritten; where
/// its age matters (a sensor with a cadence), only its time is set.
package enum Snapshots {
  package static func path(_ data: DataDir, _ stem: String) -> FilePath { data.snapshots.appending("\(stem).json") }
  package static func errorsPath(_ data: DataDir, _ stem: String) -> FilePath {
    data.snapshots.appending("\(stem).err")
  }

  /// Whether the file's bytes changed.
  @discardableResult
  package static func publish(_ bytes: [UInt8], at path: FilePath, refreshing: Bool) throws(HostError) -> Bool {
    if case .contents(bytes) = FileReading.of(path) {
      if refreshing { touch(path) }
      return false
    }
    try AtomicFile.write(bytes, to: path)
    return true
  }

  /// Keeps what a current sensor or system reading owns; the rest (of a removed sensor, of a crash) goes.
  package static func prune(_ data: DataDir, sensors: [String]) -> [HostError] {
    let owners = SystemReadings.stems.union(sensors.map { "sensor-\($0)" })
    do throws(HostError) {
      for name in try Directory.names(data.snapshots) {
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        if !owners.contains(stem) { AtomicFile.remove(data.snapshots.appending(name)) }
      }
      return []
    } catch {
      return error.isAbsent ? [] : [error]
    }
  }

  /// A file's modification time in seconds; `nil` where it cannot be looked at.
  package static func modified(_ path: FilePath) -> Double? {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
  }

  private static func touch(_ path: FilePath) {
    _ = unsafe path.withPlatformString { unsafe utimensat(AT_FDCWD, $0, nil, 0) }
  }
}
