import Logging
import SystemPackage
import Tenant

/// The regular look at the room on the file system of the fleet's own state: cheap, often where it gets short, and then whoever fills it is
/// held still, as by a freeze, until there is room again or ops thaw it. Needs control groups: only they tell whose a process is.
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
      let who = groups.offer.hasGroups ? "" : "; without control groups nobody can be held still for it"
      say("only \(Display.bytes(free)) are free where \(state) is\(who)", level: .warning)
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
          "held still: only \(Display.bytes(free)) of disk are left, and it wrote \(Display.bytes(eater.bytes)) since the last look; it goes on by itself once \(fleet.freeSpace) are free, or with `looop-fleet thaw \(eater.tenant)`"
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

  /// Those whom ops froze as well stay as they are. One that cannot be let go is tried again at the next look.
  private func letGo(_ names: [String]) async {
    guard !names.isEmpty, case .success(let orders) = await ledger.perform({ try $0.orders() }) else { return }
    for name in names {
      let why = tenants[name]?.state.heldStill
      tenants[name]?.state.heldStill = nil
      applyOrders(orders, to: name)
      guard tenants[name]?.state.frozen == false else { continue }
      if let words = await suspend(name, false) {
        tenants[name]?.state.heldStill = why
        tenants[name]?.state.frozen = true
        say("could not be let go: \(words)", about: name, level: .error)
        continue
      }
      say("goes on: there is room on the disk again", about: name)
      schedule(name, in: 0)
      scheduleTending(name, in: 1)
      changed(.tenants, about: name)
    }
    admitWorkers()
  }

  /// An earlier supervisor held it still: the kernel remembers, and nobody else does. The next look may let it go.
  func recallHeldStill(_ name: String) {
    guard tenants[name]?.state.frozen == false, confinement.groups.isFrozen(.tenant(name)) else { return }
    tenants[name]?.state.heldStill = "held still by an earlier supervisor; it goes on once there is room on the disk"
    tenants[name]?.state.frozen = true
  }
}
