import SystemPackage

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
