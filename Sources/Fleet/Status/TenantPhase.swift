/// What a tenant is doing, seen from outside. Internal states may be many; these are few, and each comes with a reason in words.
package enum TenantPhase: String, Sendable, CaseIterable {
  case running
  /// By ops: no beats.
  case paused
  /// The budget stops new decides; sensing goes on.
  case held
  /// Beats fail; backing off.
  case degraded
  /// Failed too often in a row; retried rarely.
  case quarantined
  /// Somebody else's pulse holds its lock, or it is left alone for another such reason.
  case foreign

  /// Whether `status` exits 0 with a tenant in this phase. Paused is somebody's will, not trouble.
  package var isWell: Bool {
    switch self {
    case .running, .paused: true
    case .held, .degraded, .quarantined, .foreign: false
    }
  }

  /// What the phase means to who reads it for the first time.
  package var meaning: String {
    switch self {
    case .running: "beats on time"
    case .paused: "paused by ops: no beats until `looop-fleet tenant resume`"
    case .held: "the budget stops new decides; sensing goes on"
    case .degraded: "beats fail; it is tried again, ever more slowly"
    case .quarantined: "failed many times in a row; it is tried only rarely"
    case .foreign: "another process holds its lock; it is left alone until that is free"
    }
  }
}
