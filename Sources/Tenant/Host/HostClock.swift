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

  private static func read(_ id: clockid_t) -> Double {
    var time = timespec()
    unsafe clock_gettime(id, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// A moment on this machine's wall calendar (its `TZ`).
package struct LocalTime: Hashable, Sendable {
  package var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int
  package var offsetSeconds: Int

  package init(_ unix: Int64) {
    var time = time_t(unix)
    var parts = unsafe tm()
    unsafe localtime_r(&time, &parts)
    unsafe self.init(parts)
  }

  package static func utc(_ unix: Int64) -> LocalTime {
    var time = time_t(unix)
    var parts = unsafe tm()
    unsafe gmtime_r(&time, &parts)
    return unsafe LocalTime(parts)
  }

  private init(_ parts: tm) {
    year = unsafe Int(parts.tm_year) + 1900
    month = unsafe Int(parts.tm_mon) + 1
    day = unsafe Int(parts.tm_mday)
    hour = unsafe Int(parts.tm_hour)
    minute = unsafe Int(parts.tm_min)
    second = unsafe Int(parts.tm_sec)
    offsetSeconds = unsafe parts.tm_gmtoff
  }

  private func two(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }

  /// `2026-06-30`
  package var date: String { "\(year)-\(two(month))-\(two(day))" }
  /// `14:05`
  package var clock: String { "\(two(hour)):\(two(minute))" }
  /// `14:05:09`
  package var clockSeconds: String { "\(clock):\(two(second))" }
  /// `20260630-140509`
  package var stamp: String { "\(year)\(two(month))\(two(day))-\(two(hour))\(two(minute))\(two(second))" }
  /// `+02:00`
  package var offset: String {
    let minutes = abs(offsetSeconds) / 60
    return "\(offsetSeconds < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
  }
  /// `2026-06-30T12:05:09Z`, for a value made by ``utc(_:)``.
  package var rfc3339: String { "\(date)T\(clockSeconds)Z" }
}
