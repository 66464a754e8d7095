import Tenant

/// All that the supervisor remembers of one tenant's life, as a plain value: what is wanted, what was seen, what is under
/// way. The decisions in ``Reconcile`` are functions of it.
struct TenantState: Hashable, Sendable {
  enum Lease: Hashable, Sendable {
    /// Nobody looked yet, or the last look is to be repeated.
    case none
    case taking
    case held
    /// Somebody else's pulse runs there.
    case foreign(String)
    /// The data dir could not be taken over.
    case unavailable(String)
  }

  enum Activity: Hashable, Sendable {
    case idle
    /// Waits for one of the fleet's beat places.
    case queued(force: Bool)
    case beating(since: Double)
  }

  enum Refresh: Hashable, Sendable {
    case current
    case stale
    case running
    /// Something changed while a report was being made.
    case runningStale
  }

  var interval: Double
  var paused = false
  var frozen = false
  /// The fleet itself holds it still, and why: it is frozen as well then.
  var heldStill: String?
  /// Everything of the fleet was stopped on request.
  var drained = false
  /// The ledger that says what is frozen could not be read yet.
  var ordersUnknown = false
  var lease = Lease.none
  var activity = Activity.idle
  var refresh = Refresh.stale
  /// Something was touched during a beat: look again right after it.
  var wakeAfterBeat = false
  /// Supervision failures in a row: a beat that did not start, crashed, hung or talked nonsense.
  var failures = 0
  /// Why the last beat or take-over failed, or what the tenant itself reports as failing.
  var trouble: String?
  /// Decides that failed in a row, as the tenant reports it.
  var decideFailures = 0
  /// Why the last of them failed.
  var decideTrouble: String?
  /// Why the budget, its own or the fleet's, stops new decides, or a provider that turned it away.
  var held: AdmissionRefusal?
  /// It occupies more of the disk than it may: nothing new of it starts.
  var full: String?
  /// Why nobody's decides may start: the fleet's ledger cannot be written.
  var ledgerTrouble: String?
  var lastBeat: TenantReport.Beat?
  var lastBeatAt: Int64?

  init(interval: Double) { self.interval = interval }
}

extension TenantState {
  /// So many failures in a row, and retries become rare.
  static let quarantineAfter = 8
  static let quarantineRetry = 3600.0
  static let backoffCap = 900.0

  /// The one table from inner states to what ops see, with the reason in words.
  var phase: (phase: TenantPhase, reason: String?) {
    if ordersUnknown {
      return (.held, "the ledger cannot be read, so nobody knows what ops had frozen: nothing runs until it can")
    }
    if drained { return (.paused, "drained by ops: all of it is stopped, and nothing starts until `looop-fleet thaw`") }
    if let heldStill { return (.held, heldStill) }
    if frozen { return (.paused, "frozen by ops: nothing of it runs until `looop-fleet thaw`") }
    if paused { return (.paused, "paused by ops: no beats until `looop-fleet tenant resume`") }
    switch lease {
    case .foreign(let who): return (.foreign, who)
    case .unavailable(let why): return troubled(why)
    case .none, .taking, .held: break
    }
    if failures > 0 { return troubled(trouble ?? "beats fail") }
    if let held = ledgerTrouble ?? full ?? held?.reason { return (.held, held) }
    if decideFailures > 0 {
      let reason =
        "\(decideFailures) failed decide\(decideFailures == 1 ? "" : "s") in a row: \(decideTrouble ?? trouble ?? "see its log")"
      return (decideFailures >= Self.quarantineAfter ? .quarantined : .degraded, reason)
    }
    return (.running, trouble)
  }

  private func troubled(_ why: String) -> (TenantPhase, String?) {
    failures >= Self.quarantineAfter
      ? (
        .quarantined,
        "failed \(failures) times in a row: \(why). Tried again within the hour; at once with `looop-fleet tenant resume`"
      ) : (.degraded, why)
  }

  /// Seconds until the next try after a failure: doubling from the interval, capped, rare once quarantined.
  var backoff: Double {
    guard failures > 0 else { return interval }
    if failures >= Self.quarantineAfter { return max(Self.quarantineRetry, interval) }
    let doubled = interval * Double(1 << min(failures - 1, 16))
    return max(interval, min(doubled, Self.backoffCap))
  }
}
