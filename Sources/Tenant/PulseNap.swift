import CLinux
import Glibc
import SystemPackage

/// The pause between two beats: over when its time is, when a deadline that the loop set itself is due, when somebody changed
/// what the loop goes by, or when the pulse shall stop.
struct PulseNap {
  private let data: DataDir
  private let clock: HostClock
  private let log: (Notice) -> Void
  private var earlyWakes: [Double] = []

  /// Somebody who writes a goal every second shall not have a decision every second.
  private static let maximumEarlyWakes = 10
  private static let earlyWindow = 10.0
  /// One edit is often several events.
  private static let settle: CInt = 20
  /// Where the kernel's watches fail, changes are found this often.
  private static let slowPoll = 15.0
  private static let slowPollBlind = 1.0

  init(_ data: DataDir, clock: HostClock, log: @escaping (Notice) -> Void) {
    self.data = data
    self.clock = clock
    self.log = log
  }

  mutating func sleep(seconds: Double, after result: Beat.Result, signals: borrowing StopSignals) {
    let started = clock.monotonic()
    let startedWall = clock.wall()
    let end = started + seconds
    if result.report.isOutdated, mayWakeEarly() { return }
    // Before the first comparison: what comes after it is an event.
    let watch = watch()
    defer { if watch >= 0 { close(watch) } }
    let pause = watch < 0 ? Self.slowPollBlind : Self.slowPoll
    while !signals.arrived {
      // Directories that appeared since: watched before the comparison, so that nothing in them is missed.
      follow(watch)
      if WakeStamp.of(data) != result.stamp, mayWakeEarly() {
        log(Notice(.info, "wake", "something has changed"))
        return
      }
      var left = end - clock.monotonic()
      // Only a deadline that was ahead when the nap began: one that is past due and could not be honoured must not spin.
      if let due = NextWake.read(data)?.due, Double(due) > startedWall {
        left = min(left, Double(due) - clock.wall())
      }
      guard left > 0 else { return }
      Self.wait(watch, signals, milliseconds: CInt(clamping: Int((min(left, pause) * 1000).rounded(.up))))
    }
  }

  private mutating func mayWakeEarly() -> Bool {
    let now = clock.monotonic()
    earlyWakes.removeAll { $0 < now - Self.earlyWindow }
    guard earlyWakes.count < Self.maximumEarlyWakes else { return false }
    earlyWakes.append(now)
    return true
  }

  private static func wait(_ watch: CInt, _ signals: borrowing StopSignals, milliseconds: CInt) {
    // A negative descriptor is passed over by `poll`.
    var entries = [
      pollfd(fd: signals.descriptor.raw, events: Int16(POLLIN), revents: 0),
      pollfd(fd: watch, events: Int16(POLLIN), revents: 0),
    ]
    _ = unsafe poll(&entries, 2, milliseconds)
    guard entries[1].revents != 0 else { return }
    _ = unsafe poll(&entries, 1, settle)
    _ = FileWatch.drain(watch)
  }

  /// -1 where the machine has no watch left: then the slow poll is all there is.
  private func watch() -> CInt { (try? FileWatch.open()) ?? -1 }

  /// Adding a place again changes nothing; a directory that is not there yet appears in one that is watched.
  private func follow(_ watch: CInt) {
    guard watch >= 0 else { return }
    let places =
      [data.root, data.goals, data.answers, data.asks, data.schedules, data.sensors, data.workers, data.sessions]
      + ((try? Directory.names(data.sessions)) ?? []).map(data.session)
    for place in places { _ = try? FileWatch.add(place, to: watch) }
  }
}
