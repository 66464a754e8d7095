import SystemPackage

/// The last failed beat, shown to the next decision: `.last-failure.json`.
package struct LastFailure: Hashable, Sendable {
  package static let failed = "tick.failed"
  package static let noDecision = "tick.no_decision"

  package var ts: Int64
  package var runID: String
  package var code: String
  package var error: String
  package var fails: Int

  package init(ts: Int64, runID: String, code: String, error: String, fails: Int) {
    self.ts = ts
    self.runID = runID
    self.code = code
    self.error = error
    self.fails = fails
  }

  /// A broken record is not worth a beat: it is left out of the prompt.
  package static func read(_ data: DataDir) -> LastFailure? {
    guard let json = StateFile.read(path(data)).value, let ts = json["ts"]?.int, let error = json["error"]?.string
    else {
      return nil
    }
    return LastFailure(
      ts: ts, runID: json["run_id"]?.string ?? "", code: json["code"]?.string ?? failed, error: error,
      fails: Int(clamping: json["fails"]?.int ?? 1))
  }

  package func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(
      [
        "v": 1, "ts": .int(ts), "run_id": .string(runID), "code": .string(code), "error": .string(error),
        "fails": .int(Int64(fails)),
      ], to: Self.path(data))
  }

  package static func clear(_ data: DataDir) { AtomicFile.remove(path(data)) }

  private static func path(_ data: DataDir) -> FilePath { data.root.appending(".last-failure.json") }
}
