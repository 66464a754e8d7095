package import Tenant

/// Names one reservation, as it goes over the door of a beat.
///
/// *Shape*: `r42`.
package struct ReservationID: Sendable, Hashable, CustomStringConvertible {
  package let number: Int64

  package init(number: Int64) { self.number = number }

  package init?(_ text: String) {
    guard text.first == "r", let number = Int64(text.dropFirst()), number > 0 else { return nil }
    self.number = number
  }

  package var description: String { "r\(number)" }
}

/// A run that wants to start.
package struct RunRequest: Sendable, Hashable {
  package var tenant: TenantID
  package var kind: RunKind
  /// The tick's run id, or the worker's id with the second it was wished for; unique within tenant and kind.
  package var runID: String
  package var runner: String
  package var model: String?
  package var goal: String?
  package var worker: String?
  package var promptBytes: Int64

  package init(
    tenant: TenantID, kind: RunKind, runID: String, runner: String, model: String? = nil, goal: String? = nil,
    worker: String? = nil, promptBytes: Int64 = 0
  ) {
    self.tenant = tenant
    self.kind = kind
    self.runID = runID
    self.runner = runner
    self.model = model
    self.goal = goal
    self.worker = worker
    self.promptBytes = promptBytes
  }

  /// The embedded decider has no model behind it and costs nothing.
  package var isFree: Bool { runner == "rules" }
}

/// The answer to a wish to run: a hold that is on disk, or why not.
package enum Admission: Sendable, Hashable {
  /// `budget` is the tenant's day with this hold in it.
  case granted(ReservationID, worstCase: BudgetAmounts, budget: BudgetState)
  case refused(AdmissionRefusal, budget: BudgetState)
}

/// A reservation that no settlement has closed: after a restart each one is a question of what became of its run.
package struct OpenReservation: Sendable, Hashable {
  package let id: ReservationID
  package let request: RunRequest
  package let openedAt: Int64
  package let day: CivilDate
  /// What it still holds.
  package let left: BudgetAmounts
}

/// How much a charge can be trusted, from worst to best.
package enum ChargeSource: String, Sendable, CaseIterable, Comparable {
  /// The reservation itself, because nothing better can be known: an upper bound.
  case bound
  /// The runner's tokens times the price table.
  case priced
  /// The runner's own money.
  case reported

  package static func < (left: ChargeSource, right: ChargeSource) -> Bool { left.rank < right.rank }
  private var rank: Int { self == .bound ? 0 : self == .priced ? 1 : 2 }
}

/// Money that a run took, as one event of its runner says.
package struct Charge: Sendable, Hashable {
  /// Unique within the tenant; the same event met again is the same charge (a repeated id, a second reading of a transcript).
  package var eventID: String
  package var source: ChargeSource
  package var unpriced: Bool
  package var usd: MicroUSD
  package var tokens: ChargedTokens
  package var model: String?
  package var session: String?
  /// When the event first happened; nil: now.
  package var at: Int64?
  /// The figures are the running totals of `session`: what other runs of the session and model were charged is taken off.
  package var isCumulative: Bool

  package init(
    eventID: String, source: ChargeSource, unpriced: Bool = false, usd: MicroUSD, tokens: ChargedTokens = .zero,
    model: String? = nil, session: String? = nil, at: Int64? = nil, isCumulative: Bool = false
  ) {
    self.eventID = eventID
    self.source = source
    self.unpriced = unpriced
    self.usd = usd
    self.tokens = tokens
    self.model = model
    self.session = session
    self.at = at
    self.isCumulative = isCumulative
  }

  /// Whether this reading of an event replaces an earlier one of the same event: a better source does, and so does a later
  /// snapshot of a growing message. What has shrunk or is worse known is an old line read again.
  package func replaces(_ old: Charge) -> Bool {
    guard source == old.source else { return source > old.source }
    return usd > old.usd || tokens.total > old.tokens.total
  }
}

package enum SettleOutcome: String, Sendable {
  case settled
  /// It was closed before; nothing changed.
  case alreadyClosed
  /// It had been charged as an upper bound; the true charge has now replaced that.
  case corrected
}
