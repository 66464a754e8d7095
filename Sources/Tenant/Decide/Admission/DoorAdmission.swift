import CLinux
import Glibc

/// The fleet's door on stdio: newline-delimited JSON, one question at a time. Whatever is not a clear grant is a refusal, and a
/// door that closes stays closed.
package struct DoorAdmission: DecideAdmission {
  private let input: CInt
  private let output: CInt
  /// Seconds to wait for an answer: the fleet may have to queue the wish, and ends a beat without a grant after 300.
  private let patience: Double
  private let clock: HostClock
  private var pending: [UInt8] = []
  /// Why nothing is asked any more.
  private var closed: String?
  private var latestLimits: JSON?

  /// A line of the fleet is a verdict: small.
  private static let maximumLine = 1 << 20

  /// The descriptors are lent: the caller closes them.
  package init(input: CInt, output: CInt, patience: Double = 240, clock: HostClock = .system) {
    self.input = input
    self.output = output
    self.patience = patience
    self.clock = clock
  }

  package mutating func admit(_ wish: DecideWish) -> DecideVerdict {
    guard
      let answer = ask([
        "op": "admit", "run_id": .string(wish.runID), "runner": .string(wish.runner), "model": .optional(wish.model),
        "prompt_bytes": .int(Int64(wish.promptBytes)),
      ])
    else { return .refused(reason: closed ?? Self.goneAway, retryAt: nil) }
    latestLimits = answer["limits"].flatMap { $0.isNull ? nil : $0 } ?? latestLimits
    guard answer["granted"]?.bool == true, let reservation = answer["reservation"]?.string else {
      return .refused(
        reason: answer["reason"]?.string ?? "the fleet refused without a reason", retryAt: answer["retry_at"]?.int)
    }
    return .granted(reservation: reservation)
  }

  package mutating func settle(reservation: String, runID: String, usage: RunUsage?) {
    // Unanswered, the hold stands with the fleet, which then charges it as an upper bound.
    _ = ask([
      "op": "settle", "reservation": .string(reservation), "run_id": .string(runID), "usage": usage?.json ?? .null,
    ])
  }

  package func limits() -> JSON? { latestLimits }

  /// The beat's last word.
  package mutating func report(_ report: TenantReport) {
    _ = write(["op": "report", "report": report.json])
  }

  private mutating func ask(_ question: JSON) -> JSON? {
    guard closed == nil else { return nil }
    guard write(question) else {
      closed = Self.goneAway
      return nil
    }
    guard let line = readLine() else { return nil }
    guard let answer = try? JSON(parsing: line), answer.object != nil else {
      closed = "the fleet's answer cannot be read; are looop and looop-fleet of one version?"
      return nil
    }
    return answer
  }

  private static let goneAway = "the fleet went away before it could say whether this decide may start"
  private var waitedInVain: String {
    "no place for a decide came free in \(Int(patience)) s (max_decides of the fleet), and none was granted"
  }

  private func write(_ message: JSON) -> Bool {
    let bytes = Array((message.compact + "\n").utf8)
    var offset = 0
    while offset < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(output, $0.baseAddress! + offset, bytes.count - offset)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      offset += count
    }
    return true
  }

  /// Nil where none comes; ``closed`` says why.
  private mutating func readLine() -> [UInt8]? {
    let deadline = clock.monotonic() + patience
    while true {
      if let newline = pending.firstIndex(of: 0x0A) {
        let line = Array(pending[..<newline])
        pending.removeSubrange(...newline)
        return line
      }
      guard pending.count < Self.maximumLine else { return close("the fleet's answer has no end") }
      let left = deadline - clock.monotonic()
      guard left > 0 else { return close(waitedInVain) }
      var entry = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&entry, 1, CInt(clamping: Int(left * 1000) + 1))
      if ready < 0, errno != EINTR { return close(Self.goneAway) }
      guard ready > 0 else { continue }
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(input, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else { return close(Self.goneAway) }
      pending.append(contentsOf: buffer.prefix(count))
    }
  }

  private mutating func close(_ reason: String) -> [UInt8]? {
    closed = reason
    return nil
  }
}
