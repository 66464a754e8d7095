import SystemPackage

/// Failures in a row: `.tick-backoff`, `{"v":1,"hash":policy,"fails":n,"ts":unix}`.
package struct Backoff: Hashable, Sendable {
  /// The hash of PLAYBOOK and goals at the last failure: an edit of these is worth another try at once.
  package var policyHash: String
  package var fails: Int
  package var ts: Int64

  package init(policyHash: String, fails: Int, ts: Int64) {
    self.policyHash = policyHash
    self.fails = fails
    self.ts = ts
  }

  /// 60, 120, 240, then 300 seconds.
  package var wait: Int64 { min(60 << Int64(min(max(fails - 1, 0), 10)), 300) }

  package enum Reading: Hashable, Sendable {
    case none
    case known(Backoff)
    /// Unreadable or no record: the caller waits as after some failures, and repairs it.
    case broken
  }

  /// What a broken record is taken for.
  package static let assumedFails = 4

  package static func read(_ data: DataDir) -> Reading {
    switch StateFile.read(path(data)) {
    case .absent: return .none
    case .unreadable, .corrupt: return .broken
    case .value(let json):
      guard let fails = json["fails"]?.int, fails > 0, let ts = json["ts"]?.int else { return .broken }
      return .known(
        Backoff(policyHash: json["hash"]?.string ?? "", fails: Int(clamping: min(fails, 1_000_000)), ts: ts))
    }
  }

  package func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(
      ["v": 1, "hash": .string(policyHash), "fails": .int(Int64(fails)), "ts": .int(ts)], to: Self.path(data))
  }

  package static func clear(_ data: DataDir) { AtomicFile.remove(path(data)) }

  private static func path(_ data: DataDir) -> FilePath { data.root.appending(".tick-backoff") }
}
