import Glibc
package import SystemPackage

/// Leases that workers take on things: `claims/<name>.json`, one holder, reclaimable when the holder is dead.
package struct Claims: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  package enum Outcome: Hashable, Sendable {
    case claimed
    /// Already ours: refreshed.
    case kept
    case heldBy(String)
    /// An empty file younger than ``inFlight``: somebody is writing it right now.
    case contention
  }

  /// An empty claim file younger than this is being written; older, it is debris.
  package static let inFlight: Int64 = 10
  package static let maximumTries = 8

  package func path(_ name: String) -> FilePath { data.claims.appending("\(name).json") }

  /// `sessions` answers whether a session lives; `nil` where that cannot be known (then every holder counts as alive).
  package func claim(
    _ name: String, session: String, now: Int64, isAlive: (String) -> Bool?
  ) throws -> Outcome {
    try Identifier.check(name, .claim)
    try Directory.create(data.claims)
    for attempt in 0..<Self.maximumTries {
      let record: JSON = [
        "name": .string(name), "nonce": .string("\(getpid())-\(attempt)-\(UInt32.random(in: 0 ... .max))"),
        "session": .string(session), "ts": .int(now),
      ]
      let bytes = Array((record.compact + "\n").utf8)
      let outcome = try FileLock.withDirectory(data.claims) { () throws(HostError) -> Outcome? in
        if try AtomicFile.create(bytes, at: path(name)) { return .claimed }
        let old: [UInt8]
        switch FileReading.of(path(name)) {
        case .absent: return nil
        case .unreadable(let error): throw error
        case .contents(let found): old = found
        }
        switch verdict(on: old, name: name, session: session, now: now, isAlive: isAlive) {
        case .ours:
          try AtomicFile.write(bytes, to: path(name))
          return .kept
        case .held(let other): return .heldBy(other)
        case .inFlight: return .contention
        case .stale:
          // The directory's lock is ours: nobody else can have replaced what we judged.
          try AtomicFile.write(bytes, to: path(name))
          return .claimed
        }
      }
      if let outcome { return outcome }
    }
    throw Refusal(.conflict, "cannot claim \(name): too many writers", hint: "try again")
  }

  package enum Release: Hashable, Sendable { case released, absent, heldBy(String) }

  package func release(_ name: String, session: String, now: Int64, isAlive: (String) -> Bool?) throws -> Release {
    try Identifier.check(name, .claim)
    guard Directory.exists(data.claims) else { return .absent }
    return try FileLock.withDirectory(data.claims) { () throws(HostError) -> Release in
      guard case .contents(let old) = FileReading.of(path(name)) else { return .absent }
      switch verdict(on: old, name: name, session: session, now: now, isAlive: isAlive) {
      case .held(let other): return .heldBy(other)
      case .inFlight: return .heldBy("a claim that is being written")
      case .ours, .stale:
        AtomicFile.remove(path(name))
        return .released
      }
    }
  }

  /// A claim whose holder is gone, removed by ``reap(now:isAlive:)``.
  package struct Reaped: Hashable, Sendable {
    package var claim: String
    package var session: String?
  }

  /// Removes the claims of dead sessions, each judged again under the lock. `isAlive` answering `nil` keeps the claim.
  package func reap(now: Int64, isAlive: (String) -> Bool?) -> [Reaped] {
    // An unreadable directory reaps nothing: fail closed.
    guard let names = try? Directory.stems(data.claims, extension: "json"), !names.isEmpty else { return [] }
    return names.compactMap { name in
      guard case .contents(let seen) = FileReading.of(path(name)),
        case .stale = verdict(on: seen, name: name, session: nil, now: now, isAlive: isAlive)
      else { return nil }
      let removed = try? FileLock.withDirectory(data.claims) { () -> Bool in
        // Compare and delete: a lease that was taken anew since survives.
        guard case .contents(let current) = FileReading.of(path(name)), current == seen else { return false }
        return AtomicFile.remove(path(name))
      }
      return removed == true ? Reaped(claim: name, session: holder(of: seen)) : nil
    }
  }

  private enum Verdict { case ours, held(String), inFlight, stale }

  private func verdict(
    on bytes: [UInt8], name: String, session: String?, now: Int64, isAlive: (String) -> Bool?
  ) -> Verdict {
    if bytes.isEmpty {
      guard let modified = Sessions.modified(path(name)) else { return .stale }
      return now - modified < Self.inFlight ? .inFlight : .stale
    }
    guard let holder = holder(of: bytes) else { return .stale }
    if holder == session { return .ours }
    return isAlive(holder) == false ? .stale : .held(holder)
  }

  private func holder(of bytes: [UInt8]) -> String? {
    // Unparsable is a dead holder's debris, as in looop 1.0.
    (try? JSON(parsing: bytes))?["session"]?.string
  }
}
