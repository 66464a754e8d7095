/// How a worker does, as far as anybody can tell from outside. Only this coarse word is in the world's hash, so each change
/// wakes the loop once.
package enum Health: String, Sendable, CaseIterable {
  case dead
  case waitingAsk = "waiting-ask"
  case stuck
  case busy

  /// dead, then waiting, then stuck, then busy; an unknown idle time reads as busy.
  package static func of(isAlive: Bool, isWaiting: Bool, idleSeconds: Int64?, stuckAfter: Int64) -> Health {
    if !isAlive { return .dead }
    if isWaiting { return .waitingAsk }
    if stuckAfter > 0, let idleSeconds, idleSeconds >= stuckAfter { return .stuck }
    return .busy
  }

  /// `LOOOP_WORKER_STUCK_SECS`; 0 = never.
  package static let stuckAfter: Int64 = 900
}
