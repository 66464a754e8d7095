import SystemPackage
import Tenant
import TestSupport

/// When a tenant's beats really sensed: a sensor of its own writes the time down.
struct BeatTimes {
  static let sensor = "#!/bin/sh\ndate +%s.%N >>beats\nprintf '{\"signal\":{}}'\n"

  let file: FilePath
  let interval: Double

  init(_ data: DataDir, interval: Double = 1) {
    file = data.root.appending("beats")
    self.interval = interval
  }

  static var now: Double { HostClock.system.wall() }

  func times(since start: Double) -> [Double] {
    (FileReading.of(file).text ?? "").split(separator: "\n").compactMap { Double($0) }.filter { $0 >= start }
  }

  /// How much longer than the interval its pauses were; one that goes on counts as well.
  func lateness(since start: Double) -> [Double] {
    let all = times(since: start) + [Self.now]
    return zip(all, all.dropFirst()).map { max(0, $1 - $0 - interval) }
  }

  /// The middle one: what a beat is late as a rule.
  func typical(since start: Double) -> Double {
    let sorted = lateness(since: start).sorted()
    return sorted.isEmpty ? Self.now - start : sorted[sorted.count / 2]
  }

  func worst(since start: Double) -> Double { lateness(since: start).max() ?? Self.now - start }
}
