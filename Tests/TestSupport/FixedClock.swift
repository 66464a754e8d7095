package import Tenant

/// A clock that stands until the test moves it.
package final class FixedClock: Sendable {
  private let times: Locked<(wall: Double, monotonic: Double)>

  package init(_ wall: Double = 1_800_000_000, monotonic: Double = 1000) {
    times = Locked((wall, monotonic))
  }

  package var clock: HostClock {
    HostClock(
      wall: { self.times.withLock { $0.wall } }, monotonic: { self.times.withLock { $0.monotonic } })
  }

  package var now: Int64 { clock.now }

  package func advance(by seconds: Double) {
    times.withLock {
      $0.wall += seconds
      $0.monotonic += seconds
    }
  }

  /// A clock step: the wall clock jumps, the monotonic one does not.
  package func step(by seconds: Double) { times.withLock { $0.wall += seconds } }
}
