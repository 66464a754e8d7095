package import SystemPackage

/// `.last-shell.json`: the last command's output, for the next prompt, once.
/// Shape: `{"v":1,"ts":unix,"cmd":…,"exit_code":n (-1 if killed),"output":tail}`.
package struct LastShell: Hashable, Sendable {
  package var command: String
  package var exitCode: Int64
  package var output: String
  package var ts: Int64

  static let maximumOutput = 2048

  package init(command: String, exitCode: Int64, output: String, ts: Int64) {
    self.command = command
    self.exitCode = exitCode
    self.output = output
    self.ts = ts
  }

  package static func path(_ data: DataDir) -> FilePath { data.path(".last-shell.json") }

  package static func read(_ data: DataDir) -> LastShell? {
    guard let json = StateFile.read(path(data)).value, let command = json["cmd"]?.string else { return nil }
    return LastShell(
      command: command, exitCode: json["exit_code"]?.int ?? -1, output: json["output"]?.string ?? "",
      ts: json["ts"]?.int ?? 0)
  }

  package func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(
      ["v": 1, "ts": .int(ts), "cmd": .string(command), "exit_code": .int(exitCode), "output": .string(output)],
      to: Self.path(data))
  }

  /// Takes the file away; ``restore(_:_:)`` puts it back where nothing newer has come.
  static func take(_ data: DataDir) -> [UInt8]? {
    guard case .contents(let bytes) = FileReading.of(path(data)) else { return nil }
    AtomicFile.remove(path(data))
    return bytes
  }

  static func restore(_ data: DataDir, _ taken: [UInt8]?) {
    guard let taken else { return }
    // Losing the error is right: the move that fails here has a worse error to report.
    _ = try? AtomicFile.create(taken, at: path(data))
  }
}
