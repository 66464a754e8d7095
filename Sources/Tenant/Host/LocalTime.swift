import CLinux
import Glibc

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
