import Glibc
import Tenant

/// What a test waits for takes this many times longer on a bad day of a shared machine. The numbers at the waits say what is normal
/// at most; a promise about time is measured by a clock, never by how long a test was willing to wait.
private let patience = 3

/// Looks again and again until the condition holds; `false` once the time is over. Use: `#expect(eventually { … })`.
package func eventually(
  within seconds: Double = 10, every milliseconds: UInt32 = 5, _ condition: () throws -> Bool
) rethrows -> Bool {
  let end = HostClock.system.monotonic() + seconds * Double(patience)
  while true {
    if try condition() { return true }
    if HostClock.system.monotonic() >= end { return false }
    usleep(milliseconds * 1000)
  }
}

/// The same, for what must not block a thread of the test runner.
package func eventually(
  within duration: Duration, every pause: Duration = .milliseconds(5), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let clock = ContinuousClock()
  let end = clock.now + duration * patience
  while true {
    if try await condition() { return true }
    if clock.now >= end { return false }
    // A cancelled test gives up at the deadline like any other.
    try? await clock.sleep(for: pause)
  }
}
