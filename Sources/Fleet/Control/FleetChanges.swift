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
package final class ChangeFeed: Sendable {
  /// How many changes are remembered one by one. Who asks for what is older is told that everything may have changed.
  package static let remembered = 4096

  private struct State {
    var latest: UInt64
    /// Everything up to here is forgotten.
    var horizon: UInt64
    var recent: [(token: UInt64, change: FleetChange)] = []
    var isStopped = false
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var lastWaiter: UInt64 = 0
  }

  private let state: Locked<State>

  package init(startingAt microseconds: UInt64) {
    state = Locked(State(latest: microseconds, horizon: microseconds))
  }

  package convenience init(clock: HostClock) { self.init(startingAt: UInt64(max(1, clock.wall() * 1e6))) }

  /// Does not wait: who is woken looks later.
  package func changed(_ categories: Set<ChangeCategory>, tenant: String? = nil) {
    guard !categories.isEmpty else { return }
    wake { state in
      guard !state.isStopped else { return }
      state.latest += 1
      for category in categories { state.recent.append((state.latest, FleetChange(category, tenant: tenant))) }
      if state.recent.count > Self.remembered * 2 {
        let horizon = state.recent[state.recent.count - Self.remembered - 1].token
        state.horizon = horizon
        state.recent.removeAll { $0.token <= horizon }
      }
    }
  }

  /// Every waiter goes home with `nil`.
  package func stop() {
    wake { $0.isStopped = true }
  }

  package func changes(after token: UInt64?) async -> FleetChanges? {
    while !Task.isCancelled {
      switch state.withLock({ Self.look($0, after: token) }) {
      case .stopped: return nil
      case .changes(let changes): return changes
      case .nothing(let latest): await sleep(until: latest)
      }
    }
    return nil
  }

  private enum Look {
    case stopped
    case changes(FleetChanges)
    case nothing(latest: UInt64)
  }

  private static func look(_ state: State, after token: UInt64?) -> Look {
    guard !state.isStopped else { return .stopped }
    guard let token else { return .changes(FleetChanges(token: state.latest, changes: [])) }
    // A token from the future is somebody's invention, or a clock that was set back: begin anew rather than wait for years.
    if token < state.horizon || token > state.latest {
      return .changes(
        FleetChanges(token: state.latest, changes: Set(ChangeCategory.allCases.map { FleetChange($0) })))
    }
    let news = state.recent.reversed().prefix { $0.token > token }.map(\.change)
    return news.isEmpty
      ? .nothing(latest: state.latest) : .changes(FleetChanges(token: state.latest, changes: Set(news)))
  }

  /// Until something changed after `seen`, or the waiting task is cancelled.
  private func sleep(until seen: UInt64) async {
    let id = state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isLate = state.withLock { state in
          // A change or a cancellation may have come between the look and here.
          if state.isStopped || state.latest != seen || Task.isCancelled { return true }
          state.waiters[id] = continuation
          return false
        }
        if isLate { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  private func wake(_ change: (inout State) -> Void) {
    let woken = state.withLock { state in
      change(&state)
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for continuation in woken { continuation.resume() }
  }
}
