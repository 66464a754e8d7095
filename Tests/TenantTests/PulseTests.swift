import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

/// The nap, with real files and the real clock: what ends it, and what does not.
@Suite struct PulseTests {
  /// Runs `change` shortly after the nap began; the answer is how long the nap took.
  static func nap(
    _ scratch: ScratchDirectory, seconds: Double, _ change: @escaping @Sendable () throws -> Void
  ) throws -> Double {
    for name in ["goals", "answers", "asks", "schedules", "sensors", "workers", "sessions"] {
      try Directory.create(scratch.appending(name))
    }
    let signals = try StopSignals()
    var nap = PulseNap(scratch.dataDir, clock: .system, log: { _ in })
    var result = Beat.Result.idle("")
    result.stamp = WakeStamp.of(scratch.dataDir)
    let started = HostClock.system.monotonic()
    let thread = try Background {
      usleep(100_000)
      try change()
    }
    nap.sleep(seconds: seconds, after: result, signals: signals)
    let took = HostClock.system.monotonic() - started
    try thread.join()
    return took
  }

  static let changes: [(String, @Sendable (ScratchDirectory) throws -> Void)] = [
    ("a goal", { try $0.write("x\n", to: "goals/new.md") }),
    ("the PLAYBOOK", { try $0.write("other\n", to: "PLAYBOOK.md") }),
    ("an answer", { try $0.write("{}", to: "answers/a-1.json") }),
    ("an ask", { try $0.write("{}", to: "asks/a-1.json") }),
    ("a schedule", { try $0.write("{}", to: "schedules/s.json") }),
    ("the rules", { try $0.write("[]", to: "rules.json") }),
    ("a worker's end", { try $0.write("{}", to: "sessions/w/status.json") }),
    (
      "an edit in place",
      { scratch in
        let file = try OwnedDescriptor(
          opening: scratch.appending("PLAYBOOK.md"), O_WRONLY | O_APPEND, operation: "write")
        try file.writeAll(Array("more\n".utf8), scratch.appending("PLAYBOOK.md"))
        try file.closeChecked(scratch.appending("PLAYBOOK.md"))
      }
    ),
    ("a deadline", { try NextWake(due: HostClock.system.now + 1).write($0.dataDir) }),
  ]

  @Test(arguments: changes.indices) func `the nap ends at once`(_ index: Int) throws {
    let scratch = try ScratchDirectory()
    try scratch.write("calm\n", to: "PLAYBOOK.md")
    let (name, change) = Self.changes[index]
    let took = try Self.nap(scratch, seconds: 20) { try change(scratch) }
    #expect(took < (name == "a deadline" ? 3 : 2), "\(name): \(took)")
  }

  @Test func `what nobody goes by does not end it`() throws {
    let scratch = try ScratchDirectory()
    let took = try Self.nap(scratch, seconds: 0.6) {
      try scratch.write("x", to: "journal.md")
      try scratch.write("x", to: "goals/draft.txt")
      try scratch.write("x", to: "snapshots/sensor-x.json")
      try scratch.write("x", to: "sessions/w/output.log")
    }
    #expect(took >= 0.6)
  }

  @Test func `a change during the decision starts the next beat without a nap`() throws {
    let scratch = try ScratchDirectory()
    let signals = try StopSignals()
    var nap = PulseNap(scratch.dataDir, clock: .system, log: { _ in })
    var result = Beat.Result.idle("")
    result.stamp = WakeStamp.of(scratch.dataDir)
    result.report.isOutdated = true
    let started = HostClock.system.monotonic()
    nap.sleep(seconds: 20, after: result, signals: signals)
    #expect(HostClock.system.monotonic() - started < 1)
  }

  @Test func `a past deadline does not spin, a future one is kept`() throws {
    let scratch = try ScratchDirectory()
    try NextWake(due: HostClock.system.now - 100).write(scratch.dataDir)
    #expect(try Self.nap(scratch, seconds: 0.5) {} >= 0.5)
  }

  @Test func `early wakes are bounded`() throws {
    let scratch = try ScratchDirectory()
    let signals = try StopSignals()
    var nap = PulseNap(scratch.dataDir, clock: .system, log: { _ in })
    var early = 0
    for _ in 0..<14 {
      var result = Beat.Result.idle("")
      result.stamp = WakeStamp.of(scratch.dataDir)
      result.report.isOutdated = true
      let started = HostClock.system.monotonic()
      nap.sleep(seconds: 0.05, after: result, signals: signals)
      if HostClock.system.monotonic() - started < 0.04 { early += 1 }
    }
    #expect(early == 10)
  }
}

/// A thread of a test.
final class Background: Sendable {
  private let failure = Locked<(any Error)?>(nil)
  private let done = Locked(false)

  init(_ body: @escaping @Sendable () throws -> Void) throws {
    let box = Unmanaged.passRetained(
      Box { [failure, done] in
        do { try body() } catch { failure.withLock { $0 = error } }
        done.withLock { $0 = true }
      })
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    guard status == 0 else { throw HostError("start a thread", errno: status) }
    pthread_detach(thread)
  }

  func join() throws {
    #expect(eventually { done.withLock { $0 } })
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}
