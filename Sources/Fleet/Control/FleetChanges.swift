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
}

/// One visible change; `tenant` is nil where it concerns the fleet or several tenants.
package struct FleetChange: Hashable, Sendable {
  package var category: ChangeCategory
  package var tenant: String?

  package init(_ category: ChangeCategory, tenant: String? = nil) {
    self.category = category
    self.tenant = tenant
  }
}

/// What changed after some token, and the token to go on from.
package struct FleetChanges: Hashable, Sendable {
  package var token: UInt64
  package var changes: Set<FleetChange>

  package init(token: UInt64, changes: Set<FleetChange>) {
    self.token = token
    self.changes = changes
  }

  package var categories: Set<ChangeCategory> { Set(changes.map(\.category)) }
}

/// Counts visible changes and wakes who waits for the next. A token grows with every change, also over restarts (it starts at the
/// wall clock in microseconds), so that a client which slept through a restart is woken once too often rather than never.
package actor ChangeFeed {
  /// How many changes are remembered one by one. Who asks for what is older is told that everything may have changed.
  package static let remembered = 4096

  private var latest: UInt64
  /// Everything up to here is forgotten.
  private var horizon: UInt64
  private var recent: [(token: UInt64, change: FleetChange)] = []
  private var isStopped = false
  private var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
  private var nextWaiter: UInt64 = 0

  package init(startingAt microseconds: UInt64) {
    latest = microseconds
    horizon = microseconds
  }

  package init(clock: HostClock) { self.init(startingAt: UInt64(max(1, clock.wall() * 1e6))) }

  package func changed(_ categories: Set<ChangeCategory>, tenant: String? = nil) {
    guard !categories.isEmpty, !isStopped else { return }
    latest += 1
    for category in categories { recent.append((latest, FleetChange(category, tenant: tenant))) }
    if recent.count > Self.remembered * 2 {
      horizon = recent[recent.count - Self.remembered - 1].token
      recent.removeAll { $0.token <= horizon }
    }
    wakeAll()
  }

  /// Every waiter goes home with `nil`.
  package func stop() {
    isStopped = true
    wakeAll()
  }

  package func changes(after token: UInt64?) async -> FleetChanges? {
    while !isStopped, !Task.isCancelled {
      guard let token else { return FleetChanges(token: latest, changes: []) }
      // A token from the future is somebody's invention, or a clock that was set back: begin anew rather than wait for years.
      if token < horizon || token > latest {
        return FleetChanges(token: latest, changes: Set(ChangeCategory.allCases.map { FleetChange($0) }))
      }
      let news = recent.reversed().prefix { $0.token > token }.map(\.change)
      if !news.isEmpty { return FleetChanges(token: latest, changes: Set(news)) }
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
