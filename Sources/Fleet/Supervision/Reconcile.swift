/// Something to be done for one tenant, with its reason. Each is safe to be decided again after a crash at any line.
enum Change: Hashable, Sendable {
  /// Take the pulse lock and the watches.
  case takeOver(reason: String)
  /// Ask for a beat: it starts when the fleet has a place for it.
  case beat(force: Bool, reason: String)
  /// Try again sooner than planned, but not at once.
  case hasten(reason: String)
  /// Have the tenant report without a beat.
  case report(reason: String)
}

/// What happened to a tenant, as the reconciler hears it.
enum Nudge: Hashable, Sendable {
  /// Its time has come, by the timetable.
  case due
  /// A file of it was touched that the loop must see: a goal, the PLAYBOOK, an answer, a schedule, its configuration.
  case touched
  /// Its mailbox or its workers changed: look, but do not beat.
  case stirred
  /// Nothing new; look at the state as it is.
  case look
}

/// From what is there to what is to be done: pure, level-triggered, the same answer however often it is asked.
enum Reconcile {
  static func plan(_ state: TenantState, _ nudge: Nudge) -> [Change] {
    guard !state.frozen else { return [] }
    switch state.lease {
    case .taking: return []
    case .none: return [.takeOver(reason: "it is new here")]
    case .foreign: return nudge == .due ? [.takeOver(reason: "look whether its own pulse still runs")] : []
    case .unavailable: return nudge == .due ? [.takeOver(reason: "try again")] : []
    case .held: break
    }
    var changes: [Change] = []
    if state.refresh == .stale { changes.append(.report(reason: "its mailbox or its workers changed")) }
    guard !state.paused, state.activity == .idle else { return changes }
    switch nudge {
    case .due: changes.append(.beat(force: state.lastBeat == nil, reason: "its interval is over"))
    // Somebody may have mended it. Whoever touches files without end gets no more beats by it than a well tenant has.
    case .touched where state.failures > 0: changes.append(.hasten(reason: "one of its files was touched"))
    case .touched: changes.append(.beat(force: false, reason: "one of its files was touched"))
    case .stirred, .look: break
    }
    return changes
  }

  /// When the next beat is due after one ended (or a take-over failed), in seconds from then.
  ///
  /// The loop's own wish counts when it is sooner; a tenant in trouble waits for its backoff.
  static func delay(_ state: TenantState, nextWakeAt: Int64?, wall: Double) -> Double {
    if state.failures > 0 { return state.backoff }
    switch state.lease {
    case .foreign, .unavailable: return min(state.interval, 60)
    case .none, .taking, .held: break
    }
    guard let nextWakeAt else { return state.interval }
    // A deadline that is already past must not turn the beat into a spin.
    let wish = max(1, Double(nextWakeAt) - wall)
    return min(wish, max(state.interval, 300))
  }
}
