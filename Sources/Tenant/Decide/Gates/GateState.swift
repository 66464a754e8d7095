package import SystemPackage

/// The attempts of the last hour: `.decide-ledger.json`, `{"v":1,"ts":[unix…]}`.
package struct DecideLedger: Hashable, Sendable {
  package var attempts: [Int64]

  package static let window: Int64 = 3600

  package init(_ attempts: [Int64] = []) { self.attempts = attempts }

  /// Those that count now. A time far ahead comes from a clock that was wrong then, and must not block for ever.
  package func recent(_ now: Int64) -> [Int64] {
    attempts.filter { $0 > now - Self.window && $0 <= now + Self.window }
  }

  package func adding(_ now: Int64) -> DecideLedger { DecideLedger(recent(now) + [now]) }

  /// Single broken entries are left out; a record that is broken as a whole is empty, with a warning.
  package static func read(_ data: DataDir) -> (ledger: DecideLedger, warning: String?) {
    switch StateFile.read(path(data)) {
    case .absent: (DecideLedger(), nil)
    case .unreadable(let error): (DecideLedger(), "the decide ledger starts empty: \(error)")
    case .corrupt(let reason): (DecideLedger(), "the decide ledger starts empty: it is not JSON: \(reason)")
    case .value(let json):
      if let list = json["ts"]?.array {
        (DecideLedger(list.compactMap(\.int)), nil)
      } else {
        (DecideLedger(), "the decide ledger starts empty: it has no list \"ts\"")
      }
    }
  }

  package func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(["v": 1, "ts": .array(attempts.map(JSON.int))], to: Self.path(data))
  }

  private static func path(_ data: DataDir) -> FilePath { data.root.appending(".decide-ledger.json") }
}

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

/// The world at the last usable decision: `.last-tick-hash`, and `.last-world.json` for what changed since.
package struct DecisionMark: Hashable, Sendable {
  package enum Hash: Hashable, Sendable {
    case absent
    case unreadable(String)
    case value(String)
  }

  package static func hash(_ data: DataDir) -> Hash {
    switch FileReading.of(hashPath(data), maximumBytes: 4096) {
    case .absent: .absent
    case .unreadable(let error): .unreadable(error.description)
    case .contents(let bytes): .value(String(decoding: bytes, as: UTF8.self).trimmedSpace)
    }
  }

  /// The items of the world at the last decision; `nil` where there is no usable record.
  package static func baseline(_ data: DataDir) -> JSON? { StateFile.read(itemsPath(data)).value }

  /// The hash first: a crash between the two costs a less exact WHAT CHANGED, never a lost change.
  package static func commit(hash: String, items: JSON, _ data: DataDir) throws(HostError) {
    try AtomicFile.write(hash + "\n", to: hashPath(data))
    try StateFile.write(items, to: itemsPath(data))
  }

  private static func hashPath(_ data: DataDir) -> FilePath { data.root.appending(".last-tick-hash") }
  private static func itemsPath(_ data: DataDir) -> FilePath { data.root.appending(".last-world.json") }
}
