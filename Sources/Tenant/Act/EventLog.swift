/// `events.jsonl`: what happened, for machines. `{"ts":"…Z","event":name,…}`; a caller's fields never replace those two, and a
/// failing append never fails a beat.
package struct EventLog: Sendable {
  private let log: AppendLog
  private let clock: HostClock

  package static let defaultMaximumBytes = 5_242_880

  package init(_ data: DataDir, clock: HostClock, maximumBytes: Int = Self.defaultMaximumBytes) {
    log = AppendLog(data.events, maximumBytes: maximumBytes)
    self.clock = clock
  }

  package func append(_ event: String, _ fields: [String: JSON] = [:]) {
    var record = fields
    record["ts"] = .string(Self.timestamp(clock.wall()))
    record["event"] = .string(event)
    // Losing the error is right: the log is a convenience, the state is in the other files.
    try? log.append(JSON.object(record).compact)
  }

  /// `2026-06-30T12:05:09.123Z`
  package static func timestamp(_ wall: Double) -> String {
    let milliseconds = Int64((wall * 1000).rounded(.down))
    let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1000)
    let digits = String(fraction)
    return LocalTime.utc(seconds).rfc3339.dropLast() + "." + String(repeating: "0", count: 3 - digits.count) + digits
      + "Z"
  }
}
