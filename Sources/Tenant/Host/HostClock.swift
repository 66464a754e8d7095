import CLinux
import Glibc

/// Where time comes from. Stored times are wall clock in Unix seconds; deadlines are monotonic and never stored.
package struct HostClock: Sendable {
  package var wall: @Sendable () -> Double
  package var monotonic: @Sendable () -> Double
  /// Seconds since boot, those in which the machine slept included.
  package var sinceBoot: @Sendable () -> Double

  /// `sinceBoot` nil: this clock's machine never sleeps.
  package init(
    wall: @escaping @Sendable () -> Double, monotonic: @escaping @Sendable () -> Double,
    sinceBoot: (@Sendable () -> Double)? = nil
  ) {
    self.wall = wall
    self.monotonic = monotonic
    self.sinceBoot = sinceBoot ?? monotonic
  }

  /// Whole Unix seconds.
  package var now: Int64 { Int64(wall()) }

  package static let system = HostClock(
    wall: { read(CLOCK_REALTIME) }, monotonic: { read(CLOCK_MONOTONIC) }, sinceBoot: { read(CLOCK_BOOTTIME) })

  /// Now as the kernel stamps files, in nanoseconds since 1970: what is changed from here on has no earlier stamp.
  package static func fileStamp() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private static func read(_ id: clockid_t) -> Double {
    var time = timespec()
    unsafe clock_gettime(id, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
