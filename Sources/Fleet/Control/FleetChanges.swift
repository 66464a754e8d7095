package import Tenant

/// A kind of visible change. `wait`'s filters choose among them.
package enum ChangeCategory: String, Sendable, CaseIterable {
  /// A new ask stands in the mailbox.
  case asks
  /// An ask was answered or is gone.
  case answers
  /// A worker changed its phase.
  case workers
  /// A tenant came, went, or changed its phase or its reason.
  case tenants
  /// A new log line. Never wakes a `wait`.
  case log
}

/// What changed after some token, and the token to go on from.
package struct FleetChanges: Hashable, Sendable {
  package var token: UInt64
  package var categories: Set<ChangeCategory>

  package init(token: UInt64, categories: Set<ChangeCategory>) {
    self.token = token
    self.categories = categories
  }

  package var json: JSON {
    [
      "token": .string(String(token)),
      "changed": .array(categories.map(\.rawValue).sorted().map(JSON.string)),
    ]
  }
}

/// Counts visible changes and wakes who waits for the next. A token grows with every change, also over restarts (it starts at the
/// wall clock in microseconds), so that a client which slept through a restart is woken once too often rather than never.
package actor ChangeFeed {
  private var latest: UInt64
  private var last: [ChangeCategory: UInt64]
  private var isStopped = false
  private var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
  private var nextWaiter: UInt64 = 0

  package init(startingAt microseconds: UInt64) {
    latest = microseconds
    last = Dictionary(uniqueKeysWithValues: ChangeCategory.allCases.filter { $0 != .log }.map { ($0, microseconds) })
  }

  package init(clock: HostClock) { self.init(startingAt: UInt64(max(1, clock.wall() * 1e6))) }

  package func changed(_ categories: Set<ChangeCategory>) {
    guard !categories.isEmpty, !isStopped else { return }
    latest += 1
    for category in categories { last[category] = latest }
    wakeAll()
  }

  /// Every waiter goes home with `nil`.
  package func stop() {
    isStopped = true
    wakeAll()
  }

  package func changes(after token: UInt64?) async -> FleetChanges? {
    while !isStopped, !Task.isCancelled {
      guard let token else { return FleetChanges(token: latest, categories: []) }
      // A token from the future is somebody's invention, or a clock that was set back: begin anew rather than wait for years.
      if token > latest { return FleetChanges(token: latest, categories: Set(last.keys).subtracting([.log])) }
      let categories = Set(last.filter { $0.value > token }.keys)
      if !categories.isEmpty { return FleetChanges(token: latest, categories: categories) }
      await sleepUntilWoken()
    }
    return nil
  }

  private func sleepUntilWoken() async {
    let id = nextWaiter
    nextWaiter += 1
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if isStopped || Task.isCancelled { continuation.resume() } else { waiters[id] = continuation }
      }
    } onCancel: {
      // Outlives the cancelled task on purpose: it only lets go of the one waiter.
      Task { await self.wake(id) }
    }
  }

  private func wake(_ id: UInt64) { waiters.removeValue(forKey: id)?.resume() }

  private func wakeAll() {
    let woken = waiters
    waiters = [:]
    for continuation in woken.values { continuation.resume() }
  }
}
