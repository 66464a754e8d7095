/// Everything that the gates look at, as values.
package struct GateInput: Hashable, Sendable {
  package var lastHash: DecisionMark.Hash
  package var worldHash: String
  package var policyHash: String
  /// The first beat of a pulse, a deadline that is due, or a human's wish.
  package var forced: Bool
  package var noop: NoopMark?
  /// Seconds; 0 = never look again.
  package var noopTTL: Int64
  package var backoff: Backoff.Reading
  package var ledger: DecideLedger
  /// 0 = no cap.
  package var maxDecidesPerHour: Int
  /// Why the configuration cannot be used; `nil` when it can.
  package var configProblem: String?
  package var now: Int64

  package init(
    lastHash: DecisionMark.Hash, worldHash: String, policyHash: String, forced: Bool, noop: NoopMark?, noopTTL: Int64,
    backoff: Backoff.Reading, ledger: DecideLedger, maxDecidesPerHour: Int, configProblem: String?, now: Int64
  ) {
    self.lastHash = lastHash
    self.worldHash = worldHash
    self.policyHash = policyHash
    self.forced = forced
    self.noop = noop
    self.noopTTL = noopTTL
    self.backoff = backoff
    self.ledger = ledger
    self.maxDecidesPerHour = maxDecidesPerHour
    self.configProblem = configProblem
    self.now = now
  }
}

/// What stands between a sensed world and a paid decision.
package enum GateVerdict: Hashable, Sendable {
  package enum Cause: String, Hashable, Sendable {
    case changed, forced
    /// A decision to do nothing has stood long enough.
    case revisit
    /// The policy was edited while failures held the loop back.
    case policyEdited
  }

  case decide(Cause)
  case unchanged
  /// The last decision cannot be read: nothing is started, because any reading would look like a changed world.
  case unreadable(String)
  /// `repair` is the record to write in place of a broken one.
  case backingOff(fails: Int, retryIn: Int64, repair: Backoff?)
  case capped(retryIn: Int64)
  case unusable(String)
}

/// The gates in their order: each may end the beat without a runner. A pure function of ``GateInput``.
package enum Gates {
  package static func verdict(_ input: GateInput) -> GateVerdict {
    var cause = GateVerdict.Cause.changed
    switch input.lastHash {
    case .unreadable(let reason): return .unreadable(reason)
    case .value(input.worldHash):
      if input.forced {
        cause = .forced
      } else if isStale(input) {
        cause = .revisit
      } else {
        return .unchanged
      }
    case .absent, .value: cause = input.forced ? .forced : .changed
    }
    if let waiting = backoff(input, &cause) { return waiting }
    let recent = input.ledger.recent(input.now).sorted()
    if input.maxDecidesPerHour > 0, recent.count >= input.maxDecidesPerHour {
      let oldest = recent[recent.count - input.maxDecidesPerHour]
      return .capped(retryIn: max(1, oldest + DecideLedger.window - input.now))
    }
    if let problem = input.configProblem { return .unusable(problem) }
    return .decide(cause)
  }

  private static func isStale(_ input: GateInput) -> Bool {
    guard input.noopTTL > 0, let noop = input.noop, noop.hash == input.worldHash else { return false }
    let (age, overflow) = input.now.subtractingReportingOverflow(noop.ts)
    return overflow || age >= input.noopTTL
  }

  private static func backoff(_ input: GateInput, _ cause: inout GateVerdict.Cause) -> GateVerdict? {
    switch input.backoff {
    case .none: return nil
    case .broken:
      let assumed = Backoff(policyHash: input.policyHash, fails: Backoff.assumedFails, ts: input.now)
      return .backingOff(fails: assumed.fails, retryIn: assumed.wait, repair: assumed)
    case .known(let backoff):
      if backoff.policyHash != input.policyHash {
        cause = .policyEdited
        return nil
      }
      if backoff.ts > input.now {
        // The clock went back: count the wait from now, so that it ends.
        var repaired = backoff
        repaired.ts = input.now
        return .backingOff(fails: backoff.fails, retryIn: backoff.wait, repair: repaired)
      }
      // `ts` may be any number that a file holds: no plain subtraction.
      let (age, overflow) = input.now.subtractingReportingOverflow(backoff.ts)
      guard !overflow, age < backoff.wait else { return nil }
      return .backingOff(fails: backoff.fails, retryIn: backoff.wait - age, repair: nil)
    }
  }
}
