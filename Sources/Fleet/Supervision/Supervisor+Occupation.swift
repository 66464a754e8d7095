import Logging
import SystemPackage
import Tenant

/// What a tenant's directories occupy of the disk, where it has a limit (`total: disk_max`). Measured as the tenant; over the limit no decide
/// and no worker starts and those that live are stopped, until there is room again.
extension Supervisor {
  func lookAtOccupations() {
    let now = clock.monotonic()
    for (name, tenant) in tenants where !tenant.state.frozen && tenant.state.lease == .held {
      guard tenant.configuration.total.disk != nil else {
        fillUp(name, nil)
        continue
      }
      guard
        tenants[name]?.occupation.begin(isBusy: tenant.isBusy, isFull: tenant.state.full != nil, at: now) == true
      else { continue }
      begin { await $0.measure(name) }
    }
  }

  private func measure(_ name: String) async {
    await tendingPlaces.take(name)
    let seen = await occupied(name)
    await tendingPlaces.give(name)
    tenants[name]?.occupation.end(seen, at: clock.monotonic())
    guard let seen, let limit = tenants[name]?.configuration.total.disk else { return }
    let words = "it occupies \(Display.bytes(seen)) of the \(Display.bytes(limit.bytes)) of disk that it may"
    fillUp(name, seen < limit.bytes ? nil : words)
  }

  /// `nil`: nobody knows, and why is said.
  private func occupied(_ name: String) async -> Int64? {
    guard let tenant = tenants[name] else { return nil }
    do {
      let confined = try confined(tenant)
      let paths = [confined.dataDirectory, confined.resolvedRunnerHome] + [confined.sandboxes].compactMap { $0 }
      let request: JSON = ["paths": .array(paths.map { .string($0.string) })]
      let answer = try await sandboxVerb("measure", request, of: tenant).get()
      let blind = answer["blind"]?.string
      if let blind, blind != tenant.occupation.blind {
        say(
          "it occupies more of the disk than is counted: \(blind) cannot be looked into", about: name, level: .warning)
      }
      tenants[name]?.occupation.blind = blind
      return answer["bytes"]?.int
    } catch {
      let words = (error as? SandboxRefusal)?.words ?? "\(error)"
      say("what it occupies of the disk is not known: \(words)", about: name, level: .warning)
      return nil
    }
  }

  private func fillUp(_ name: String, _ words: String?) {
    guard let tenant = tenants[name], tenant.state.full != nil || words != nil else { return }
    tenants[name]?.state.full = words
    guard let words else {
      say("occupies less of the disk than it may again", about: name)
      changed(.tenants, about: name)
      return admitWorkers()
    }
    if tenant.state.full == nil {
      say("held: \(words)", about: name, level: .warning)
      changed(.tenants, about: name)
    }
    begin { fleet in
      guard let tenant = fleet.tenants[name] else { return }
      for worker in tenant.liveWorkers { await fleet.stop(worker.record, of: tenant, because: words) }
    }
  }
}
