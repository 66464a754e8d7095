import Logging
import Tenant

/// The regular look at what tenants use of the machine. It reads a few files of the kernel for those of whom something lives, and for
/// the others after they did something: `status` only says what was seen last, and a thousand idle tenants cost next to nothing.
extension Supervisor {
  func keepLooking() async {
    let hasGroups = confinement.groups.offer.hasGroups
    while !stopping {
      // Cancelled means that the supervisor stops.
      guard (try? await Task.sleep(for: Self.lookEvery)) != nil else { return }
      lookAtOccupations()
      guard hasGroups else { continue }
      await lookAtUse()
      for (name, tenant) in tenants where !tenant.unrecorded.isEmpty { lookForUnrecorded(name) }
      dropStrays()
    }
  }

  private static let lookEvery = Duration.seconds(2)

  private func lookAtUse() async {
    let names = tenants.values.filter { stirred.contains($0.id.name) || $0.isBusy }.map(\.id.name)
    stirred = []
    let groups = confinement
    // The kernel adds up what it counts as it is read: not here, where everybody waits.
    let seen = await Threads.run { names.map { groups.usage(tenant: $0) } }
    let now = clock.monotonic()
    for (name, usage) in zip(names, seen) {
      tenants[name]?.use.look(usage, at: now)
      if tenants[name]?.use.isRestless == true { stirred.insert(name) }
    }
  }
}

extension SupervisedTenant {
  var isBusy: Bool {
    if case .beating = state.activity { return true }
    return !unrecorded.isEmpty || !liveWorkers.isEmpty
  }
}
