import TestSupport
import Testing

@testable import Tenant

@Suite struct RunningTimeTests {
  @Test(
    arguments: [
      ([0.2, 0.4, 1.0], 1.0), ([1.0, 2.0, 3.0], 3.0),
      // Late on a busy machine: that counts.
      ([1.0, 2.8], 2.8),
      // Held still for an hour: of that, two seconds at most.
      ([0.5, 3600.5, 3601.0], 3.0),
      // A clock that goes back gives nothing and takes nothing.
      ([1.0, 0.5, 1.0], 1.5),
    ] as [([Double], Double)])
  func `what passes while we are held still does not count`(looks: [Double], expected: Double) {
    var time = RunningTime(now: 0)
    for now in looks { time.look(at: now) }
    #expect(abs(time.seconds - expected) < 1e-9)
  }
}
