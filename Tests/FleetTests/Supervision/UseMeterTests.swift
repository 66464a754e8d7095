import Testing

@testable import Fleet

@Suite struct UseMeterTests {
  /// Looks: seconds of CPU time that the group counted (nil: there is none), and when.
  @Test(
    arguments: [
      ([(3, 0)], TenantUse(cpuSeconds: 3), true),
      ([(3, 0), (5, 4)], TenantUse(cpuSeconds: 5, cpuPercent: 50), true),
      ([(3, 0), (7, 2)], TenantUse(cpuSeconds: 7, cpuPercent: 200), true),
      ([(3, 0), (3, 60)], TenantUse(cpuSeconds: 3, cpuPercent: 0), false),
      ([(3, 0), (3.3, 60)], TenantUse(cpuSeconds: 3.3, cpuPercent: 0.5), false),
      // The group went and came again: what was counted stays counted, and nobody knows a share.
      ([(3, 0), (nil, 2)], nil, false),
      ([(3, 0), (nil, 2), (1, 4)], TenantUse(cpuSeconds: 4), true),
      ([(3, 0), (1, 2)], TenantUse(cpuSeconds: 4), true),
      ([(3, 0), (1, 2), (2, 4)], TenantUse(cpuSeconds: 5, cpuPercent: 50), true),
      ([(nil, 0)], nil, false),
    ] as [([(Double?, Double)], TenantUse?, Bool)])
  func `a share is told between two looks at one group, and the sum never falls`(
    looks: [(Double?, Double)], expected: TenantUse?, isRestless: Bool
  ) {
    var meter = UseMeter()
    for (counted, at) in looks {
      meter.look(counted.map { ControlGroupUsage(cpuSeconds: $0, memoryBytes: nil) }, at: at)
    }
    #expect(meter.use == expected)
    #expect(meter.isRestless == isRestless)
  }

  @Test func `memory is that of the last look`() {
    var meter = UseMeter()
    meter.look(ControlGroupUsage(cpuSeconds: 1, memoryBytes: 4096), at: 0)
    meter.look(ControlGroupUsage(cpuSeconds: 1, memoryBytes: 8192), at: 1)
    #expect(meter.use?.memoryBytes == 8192)
  }
}
