import Glibc
package import SystemPackage

/// A sensor: an executable `sensors/NAME.sh` that prints one JSON object.
package struct SensorScript: Hashable, Sendable {
  package var name: String
  package var path: FilePath
  /// `# looop:interval=SECONDS` among its first 20 lines: not more often than that.
  package var interval: Int64?

  package init(name: String, path: FilePath, interval: Int64? = nil) {
    self.name = name
    self.path = path
    self.interval = interval
  }

  package var stem: String { "sensor-\(name)" }

  static let headerLines = 20
  /// Twenty lines fit; a sensor may also be a compiled program of any size.
  static let headerBytes = 4096

  package static func all(_ data: DataDir) throws(HostError) -> [SensorScript] {
    try Directory.stems(data.sensors, extension: "sh").map { name in
      let path = data.sensors.appending("\(name).sh")
      return SensorScript(name: name, path: path, interval: interval(ofHeader: header(path)))
    }
  }

  package static func interval(ofHeader text: String) -> Int64? {
    let mark = "# looop:interval="
    for line in text.split(separator: "\n", maxSplits: headerLines, omittingEmptySubsequences: false).prefix(
      headerLines)
    {
      guard line.hasPrefix(mark) else { continue }
      let digits = line.dropFirst(mark.count).prefix { $0.isASCII && $0.isNumber }
      if let seconds = Int64(digits), seconds > 0 { return seconds }
    }
    return nil
  }

  /// A snapshot is fresh while it is younger than the interval (one from the future counts as young: a clock was set back) and
  /// the script was not edited since.
  package func isFresh(snapshotAt: Double?, scriptAt: Double?, now: Double) -> Bool {
    guard let interval, let snapshotAt, let scriptAt else { return false }
    return scriptAt <= snapshotAt && now - snapshotAt < Double(interval)
  }

  private static func header(_ path: FilePath) -> String {
    do throws(HostError) {
      return String(decoding: try FileReading.head(path, bytes: headerBytes), as: UTF8.self)
    } catch {
      // What cannot be read cannot ask for a cadence; running it says what is wrong.
      return ""
    }
  }
}

extension FileReading {
  /// The first bytes of a regular file.
  fileprivate static func head(_ path: FilePath, bytes: Int) throws(HostError) -> [UInt8] {
    let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK, operation: "read")
    var buffer = [UInt8](repeating: 0, count: bytes)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.raw, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw .last("read", path) }
    buffer.removeLast(bytes - count)
    return buffer
  }
}
