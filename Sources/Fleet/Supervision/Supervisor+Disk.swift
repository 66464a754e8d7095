import Logging
import SystemPackage
import Tenant

/// The regular look at the room on the file system of the fleet's own state: cheap, often where it gets short, and then whoever fills it is
/// held still, as by a freeze, until there is room again or ops thaw it.
extension Supervisor {
  func keepRoom() async {
    while !stopping {
      await lookAtRoom()
      let pause = diskWatch.room == .plenty ? DiskWatch.pause : DiskWatch.nearPause
      // Cancelled means that the supervisor stops.
      guard (try? await Task.sleep(for: .seconds(pause))) != nil else { return }
    }
  }

  private func lookAtRoom() async {
    let (state, floor, reserve, groups) = (paths.state, fleet.freeSpace.bytes, diskReserve, confinement.groups)
    guard let free = await Threads.run({ FileSystemRoom.free(at: state) }) else { return }
    let before = diskWatch.room
    let mayGoOn = diskWatch.look(free: free, floor: floor)
    if diskWatch.room == .short, before != .short {
      say("only \(Display.bytes(free)) are free for the fleet's state", level: .warning)
    }
    if mayGoOn { await letGo(tenants.filter { $0.value.state.heldStill != nil }.keys.sorted()) }
    if diskWatch.room != .plenty, groups.offer.hasGroups {
      let names = tenants.filter { !$0.value.state.frozen }.keys.sorted()
      let written = await Threads.run {
        Dictionary(uniqueKeysWithValues: names.map { ($0, WrittenBytes.of($0, in: groups)) })
      }
      if let eater = diskWatch.eater(written) {
        await holdStill(
          eater.tenant,
          "held still: only \(Display.bytes(free)) of disk are left, and it had \(eater.bytes >> 20) MiB written last; it goes on by itself once \(fleet.freeSpace) are free, or with `looop-fleet thaw`"
        )
      }
    }
    // After the eater was stopped: it would take this as well.
    let failure = await Threads.run { () -> HostError? in
      do throws(HostError) {
        try reserve.follow(free: free, floor: floor)
        return nil
      } catch { return error }
    }
    if let failure, failure != reserveTrouble { say("\(failure)", level: .warning) }
    reserveTrouble = failure
  }

  private func holdStill(_ name: String, _ why: String) async {
    guard tenants[name]?.state.frozen == false else { return }
    tenants[name]?.state.heldStill = why
    tenants[name]?.state.frozen = true
    say(why, about: name, level: .error)
    if let words = await suspend(name, true) { say("could not be held still: \(words)", about: name, level: .error) }
    changed(.tenants, about: name)
  }

  /// Those whom ops froze as well stay as they are.
  private func letGo(_ names: [String]) async {
    guard !names.isEmpty, case .success(let orders) = await ledger.perform({ try $0.orders() }) else { return }
    for name in names {
      tenants[name]?.state.heldStill = nil
      applyOrders(orders, to: name)
      guard tenants[name]?.state.frozen == false else { continue }
      say("goes on: there is room on the disk again", about: name)
      if let words = await suspend(name, false) { say("could not be let go: \(words)", about: name, level: .error) }
      schedule(name, in: 0)
      scheduleTending(name, in: 1)
      changed(.tenants, about: name)
    }
    admitWorkers()
  }

  // MARK: - What one tenant occupies

  /// Looks, as the tenant, at what it occupies, where it has a limit.
  func measureOccupation() {
    let now = clock.monotonic()
    for (name, tenant) in tenants where !tenant.state.frozen && tenant.state.lease == .held {
      guard tenant.configuration.total.disk != nil else {
        if tenant.state.full != nil { tenants[name]?.state.full = nil }
        continue
      }
      guard
        tenants[name]?.occupation.begin(isBusy: tenant.isBusy, isFull: tenant.state.full != nil, at: now) == true
      else { continue }
      begin { await $0.measureOccupation(name) }
    }
  }

  private func measureOccupation(_ name: String) async {
    guard let tenant = tenants[name], let confined = try? confined(tenant) else { return }
    let paths = [confined.dataDirectory, confined.resolvedRunnerHome] + [confined.sandboxes].compactMap { $0 }
    let request: JSON = ["paths": .array(paths.map { .string($0.string) })]
    var seen: Int64?
    switch await sandboxVerb("measure", request, of: tenant) {
    case .success(let json): seen = json["bytes"]?.int
    case .failure(let refusal):
      say("what it occupies of the disk is not known: \(refusal.words)", about: name, level: .warning)
    }
    tenants[name]?.occupation.end(seen, at: clock.monotonic())
    guard let seen, let now = tenants[name], let most = now.configuration.total.disk else { return }
    guard seen >= most.bytes else {
      guard now.state.full != nil else { return }
      tenants[name]?.state.full = nil
      say("occupies less of the disk than it may again", about: name)
      changed(.tenants, about: name)
      return admitWorkers()
    }
    let words = "it occupies \(Display.bytes(seen)) of the \(Display.bytes(most.bytes)) of disk that it may"
    if now.state.full == nil {
      say("held: \(words)", about: name, level: .warning)
      changed(.tenants, about: name)
    }
    tenants[name]?.state.full = words
    for worker in now.liveWorkers { await stop(worker.record, of: now, because: words) }
  }

  /// An earlier supervisor held it still: the kernel remembers, and nobody else does. The next look may let it go.
  func recallHeldStill(_ name: String) {
    guard tenants[name]?.state.frozen == false, confinement.groups.isFrozen(.tenant(name)) else { return }
    tenants[name]?.state.heldStill = "held still by an earlier supervisor; it goes on once there is room on the disk"
    tenants[name]?.state.frozen = true
  }
}
