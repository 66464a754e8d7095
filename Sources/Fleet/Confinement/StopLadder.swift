/// How a stop ended.
package enum StopOutcome: Hashable, Sendable {
  /// Nobody was there.
  case alreadyGone
  /// All went when they were asked to.
  case ended(seconds: Double)
  /// Some had to be killed; all are gone.
  case killed(seconds: Double)
  /// Killed again and again, and still there: processes that hang in the kernel.
  case stuck(pids: [Int32])

  package var isGone: Bool { if case .stuck = self { false } else { true } }
}

/// From "stop" to "stopped": ask, wait, kill, and look until nobody is left. Pure; ``StopRun`` carries it out.
///
///     start ─┬─ nobody there ──────────────→ finished(alreadyGone)
///            ├─ frozen or no grace ─→ killing
///            └─ terminate → asking ─┬─ empty ─→ finished(ended)
///                                   └─ grace over → killing ─┬─ empty ─→ finished(killed)
///                                                            └─ time over → finished(stuck)
package struct StopLadder: Hashable, Sendable {
  /// *Units*: seconds.
  package struct Policy: Hashable, Sendable {
    package var grace: Double
    /// How long killing may take before the rest counts as stuck.
    package var patience: Double
    package var pause: Double

    package init(grace: Double = 2, patience: Double = 10, pause: Double = 0.02) {
      self.grace = grace
      self.patience = patience
      self.pause = pause
    }
  }

  package enum Phase: Hashable, Sendable {
    case idle
    case asking(since: Double)
    case killing(since: Double, started: Double)
    case finished(StopOutcome)
  }

  package enum Event: Hashable, Sendable {
    /// - `asks`: whether it makes sense to ask. Frozen processes do not hear.
    case start(isPopulated: Bool, asks: Bool)
    case seen(isPopulated: Bool, remaining: [Int32])
  }

  package enum Effect: Hashable, Sendable {
    case terminate
    case kill
    case look(after: Double)
  }

  package private(set) var phase = Phase.idle
  package let policy: Policy

  package init(policy: Policy) { self.policy = policy }

  package var outcome: StopOutcome? { if case .finished(let outcome) = phase { outcome } else { nil } }

  package mutating func on(_ event: Event, now: Double) -> [Effect] {
    let (next, effects) = transition(event, now: now)
    phase = next
    return effects
  }

  private func transition(_ event: Event, now: Double) -> (Phase, [Effect]) {
    switch (phase, event) {
    case (.idle, .start(isPopulated: false, asks: _)):
      (.finished(.alreadyGone), [])
    case (.idle, .start(isPopulated: true, let asks)):
      asks && policy.grace > 0
        ? (.asking(since: now), [.terminate, .look(after: policy.pause)])
        : (.killing(since: now, started: now), [.kill, .look(after: policy.pause)])

    case (.asking(let since), .seen(isPopulated: false, remaining: _)):
      (.finished(.ended(seconds: now - since)), [])
    case (.asking(let since), .seen(isPopulated: true, remaining: _)):
      now - since < policy.grace
        ? (phase, [.look(after: min(policy.pause, policy.grace - (now - since)))])
        : (.killing(since: now, started: since), [.kill, .look(after: policy.pause)])

    case (.killing(_, let started), .seen(isPopulated: false, remaining: _)):
      (.finished(.killed(seconds: now - started)), [])
    case (.killing(let since, _), .seen(isPopulated: true, let remaining)):
      // Killed on every look: a process that was on its way into the group arrives after the first time.
      now - since < policy.patience
        ? (phase, [.kill, .look(after: policy.pause)]) : (.finished(.stuck(pids: remaining)), [])

    case (.idle, .seen), (.asking, .start), (.killing, .start), (.finished, .start), (.finished, .seen):
      (phase, [])
    }
  }
}
