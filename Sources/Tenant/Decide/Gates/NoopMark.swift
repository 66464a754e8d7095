import SystemPackage

/// The world for which the decision was to do nothing: `.noop-at.json`, `{"v":1,"ts","hash"}`. It is looked at again in time.
package struct NoopMark: Hashable, Sendable {
  package var ts: Int64
  package var hash: String

  package init(ts: Int64, hash: String) {
    self.ts = ts
    self.hash = hash
  }

  /// A lost mark only means that an unchanged world is not looked at again before it changes.
  package static func read(_ data: DataDir) -> NoopMark? {
    guard let json = StateFile.read(path(data)).value, let ts = json["ts"]?.int, let hash = json["hash"]?.string else {
      return nil
    }
    return NoopMark(ts: ts, hash: hash)
  }

  package func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(["v": 1, "ts": .int(ts), "hash": .string(hash)], to: Self.path(data))
  }

  package static func clear(_ data: DataDir) { AtomicFile.remove(path(data)) }

  private static func path(_ data: DataDir) -> FilePath { data.root.appending(".noop-at.json") }
}
