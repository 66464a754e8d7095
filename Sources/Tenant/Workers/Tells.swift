import Glibc
import SystemPackage

/// Steering from the human to a live worker: one file a message, delivered at most once.
package struct Tells: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  /// How long consumed messages are kept; 0 = for ever.
  package static let keepConsumed: Int64 = 604_800

  /// Queues a message; the caller has checked that the worker lives. Returns the message's id.
  @discardableResult
  package func queue(_ message: String, for worker: String, now: Int64) throws -> String {
    try Directory.create(data.tells)
    return try RecordNumbering.create(worker, in: data.tells, also: nil) { id in
      let record =
        "{\n  \"v\": 1,\n  \"id\": \(JSON.string(id).compact),\n  \"worker\": \(JSON.string(worker).compact),\n"
        + "  \"msg\": \(JSON.string(message).compact),\n  \"ts\": \(now)\n}\n"
      return Array(record.utf8)
    }
  }

  /// The undelivered messages of a worker, oldest first.
  package func pending(_ worker: String) throws(HostError) -> [String] {
    try Directory.stems(data.tells, extension: "json")
      .compactMap { stem in RecordNumbers.number(of: stem, worker: worker).map { ($0, stem) } }
      .sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// Takes all messages of a worker, oldest first. Each file is renamed before it is read, so two drains never deliver
  /// one message twice.
  package func drain(_ worker: String, now: Int64, keepSeconds: Int64 = keepConsumed) -> [String] {
    guard let stems = try? pending(worker), !stems.isEmpty else { return [] }
    // Without the place for taken messages nothing is taken: they stay queued.
    guard (try? Directory.create(data.consumedTells)) != nil else { return [] }
    sweepConsumed(now: now, keepSeconds: keepSeconds)
    return stems.compactMap { stem in
      let taken = data.consumedTells.appending("\(stem).\(getpid()).\(UInt32.random(in: 0 ... .max)).json")
      guard AtomicFile.rename(from: data.tells.appending("\(stem).json"), to: taken) == 0 else { return nil }
      return StateFile.read(taken).value?["msg"]?.string
    }
  }

  /// Drops what was not delivered: on kill, reap and reuse of the id.
  package func discard(_ worker: String) {
    for stem in (try? pending(worker)) ?? [] { AtomicFile.remove(data.tells.appending("\(stem).json")) }
  }

  private func sweepConsumed(now: Int64, keepSeconds: Int64) {
    guard keepSeconds > 0 else { return }
    for name in (try? Directory.names(data.consumedTells)) ?? [] {
      let path = data.consumedTells.appending(name)
      if let modified = Sessions.modified(path), now - modified > keepSeconds { AtomicFile.remove(path) }
    }
  }
}
