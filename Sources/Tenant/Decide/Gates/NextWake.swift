package import SystemPackage

/// When the loop wants its next beat: `.next-wake.json`, `{"v":1,"due":unix}`.
package struct NextWake: Hashable, Sendable {
  package var due: Int64
  package init(due: Int64) { self.due = due }

  package static func read(_ data: DataDir) -> NextWake? {
    StateFile.read(path(data)).value?["due"]?.int.map { NextWake(due: $0) }
  }

  package func write(_ data: DataDir) throws {
    try FileLock.withDirectory(data.root) { () throws(HostError) in
      try StateFile.write(["v": 1, "due": .int(due)], to: Self.path(data))
    }
  }

  /// Removes exactly this deadline: one that was written meanwhile stays.
  package func honour(_ data: DataDir) throws {
    try FileLock.withDirectory(data.root) { () throws(HostError) in
      if Self.read(data) == self { AtomicFile.remove(Self.path(data)) }
    }
  }

  package static func path(_ data: DataDir) -> FilePath { data.root.appending(".next-wake.json") }

  /// The shortest and the longest nap that a decision may ask for.
  package static func clamp(_ seconds: Int64, maximum: Int64) -> Int64 { max(5, min(seconds, max(5, maximum))) }
}
