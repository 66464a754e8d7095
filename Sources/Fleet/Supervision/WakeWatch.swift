import CLinux
import Glibc
import Tenant

/// The one thread that waits for all tenants' files and workers: one inotify instance a Unix user (the kernel counts
/// instances, and a tenant must not exhaust another's), one pidfd a worker. It says who stirred; it looks at nothing.
final class WakeWatch: Sendable {
  enum Event: Hashable, Sendable {
    case file(tenant: String, place: String, name: String)
    /// A directory of it was moved, removed or replaced: what happens there now is not heard.
    case lost(tenant: String)
    /// The kernel dropped events: everybody on that instance may have changed.
    case overflow(tenants: [String])
    case ended(ProcessIdentity)
  }

  private struct State {
    /// Inotify descriptors by Unix user.
    var watches: [UInt32: CInt] = [:]
    /// (descriptor, watch number) → whose, where.
    var places: [CInt: [CInt: (tenant: String, place: String)]] = [:]
    /// The watches of each tenant, so that letting one go does not search all.
    var owned: [String: [(descriptor: CInt, watch: CInt)]] = [:]
    /// Watches that were heard before we were told whose they are, by descriptor.
    var strays: [CInt: Set<CInt>] = [:]
    var processes: [CInt: ProcessIdentity] = [:]
    var known: Set<ProcessIdentity> = []
    var stopped = false
  }

  private let state = Locked(State())
  private let bell: Pipe
  private let continuation: AsyncStream<Event>.Continuation
  let events: AsyncStream<Event>

  init() throws(HostError) {
    bell = try Pipe()
    _ = fcntl(bell.readEnd, F_SETFL, O_NONBLOCK)
    _ = fcntl(bell.writeEnd, F_SETFL, O_NONBLOCK)
    (events, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(100_000))
  }

  func start() { Threads.start { [self] in loop() } }

  func stop() {
    state.withLock { $0.stopped = true }
    ring()
  }

  /// The inotify descriptor for a user's tenants, made at the first need. Lent: it stays this watch's.
  func descriptor(for user: UInt32) throws(HostError) -> CInt {
    let known = state.withLock { $0.watches[user] }
    if let known { return known }
    let made = try FileWatch.open()
    state.withLock { $0.watches[user] = made }
    ring()
    return made
  }

  /// What a take-over added on that descriptor.
  func add(tenant: String, descriptor: CInt, places: [CInt: String]) {
    let wasHeard = state.withLock { state in
      forget(tenant, &state)
      var wasHeard = false
      for (watch, place) in places {
        state.places[descriptor, default: [:]][watch] = (tenant, place)
        state.owned[tenant, default: []].append((descriptor, watch))
        if state.strays[descriptor]?.remove(watch) != nil { wasHeard = true }
      }
      return wasHeard
    }
    // Something stirred between its look and this: it is looked at once more.
    if wasHeard { continuation.yield(.file(tenant: tenant, place: "asks", name: "unknown")) }
  }

  func remove(tenant: String) { state.withLock { forget(tenant, &$0) } }

  /// Follows a process that is not our child. A recycled pid is not followed: it counts as ended.
  func follow(_ process: ProcessIdentity) {
    let fresh = state.withLock { $0.known.insert(process).inserted }
    guard fresh else { return }
    let pidfd = clinux_pidfd_open(process.pid)
    guard pidfd >= 0, process.isAlive else {
      if pidfd >= 0 { close(pidfd) }
      state.withLock { _ = $0.known.remove(process) }
      continuation.yield(.ended(process))
      return
    }
    state.withLock { $0.processes[pidfd] = process }
    ring()
  }

  private func forget(_ tenant: String, _ state: inout State) {
    for (descriptor, watch) in state.owned.removeValue(forKey: tenant) ?? [] {
      // Of two tenants with one directory the later one has the watch.
      guard state.places[descriptor]?[watch]?.tenant == tenant else { continue }
      _ = inotify_rm_watch(descriptor, watch)
      state.places[descriptor]?[watch] = nil
    }
  }

  private func ring() {
    var byte: UInt8 = 1
    _ = unsafe write(bell.writeEnd, &byte, 1)
  }

  private func loop() {
    while true {
      let (watches, processes, stopped) = state.withLock { state in
        (Array(state.watches.values), Array(state.processes.keys), state.stopped)
      }
      if stopped { break }
      var entries = ([bell.readEnd] + watches + processes).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard unsafe poll(&entries, nfds_t(entries.count), -1) > 0 else { continue }
      for entry in entries where entry.revents != 0 {
        if entry.fd == bell.readEnd {
          silence()
        } else if processes.contains(entry.fd) {
          end(entry.fd)
        } else {
          hear(entry.fd)
        }
      }
    }
    continuation.finish()
    state.withLock { state in
      for fd in state.watches.values { close(fd) }
      for fd in state.processes.keys { close(fd) }
    }
  }

  private func silence() {
    var buffer = [UInt8](repeating: 0, count: 256)
    while unsafe buffer.withUnsafeMutableBytes({ unsafe read(bell.readEnd, $0.baseAddress, $0.count) }) > 0 {}
  }

  private func end(_ pidfd: CInt) {
    let process = state.withLock { state in
      let process = state.processes.removeValue(forKey: pidfd)
      if let process { state.known.remove(process) }
      return process
    }
    close(pidfd)
    if let process { continuation.yield(.ended(process)) }
  }

  private func hear(_ descriptor: CInt) {
    let found = FileWatch.drain(descriptor)
    let heard = state.withLock { state in
      found.compactMap { event -> Event? in
        if event.watch < 0 {
          return .overflow(tenants: Array(Set((state.places[descriptor] ?? [:]).values.map(\.tenant))))
        }
        if let owner = state.places[descriptor]?[event.watch] {
          if event.isLost { return .lost(tenant: owner.tenant) }
          return .file(tenant: owner.tenant, place: owner.place, name: event.name)
        }
        // Dotted names are the loop's own; more strays than this are removed watches' last words.
        if !event.isLost, !event.name.hasPrefix("."), (state.strays[descriptor]?.count ?? 0) < 10_000 {
          state.strays[descriptor, default: []].insert(event.watch)
        }
        return nil
      }
    }
    for event in heard { continuation.yield(event) }
  }
}
