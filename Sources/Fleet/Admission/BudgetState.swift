import Tenant

/// One axis of one day: what was spent, what open reservations hold, and the cap with the day's raises in it.
package struct BudgetAxisState: Sendable, Hashable {
  package let spent: Int64
  package let reserved: Int64
  /// Nil: no cap.
  package let cap: Int64?

  package init(spent: Int64, reserved: Int64, cap: Int64?) {
    self.spent = spent
    self.reserved = reserved
    self.cap = cap
  }

  package var committed: Int64 { spent.saturatingSum(reserved) }
  /// What may still be reserved; nil without a cap.
  package var left: Int64? { cap.map { max(0, $0.saturatingSum(-committed)) } }
}

/// Where a tenant's, or the whole fleet's, day stands.
///
/// *Shape* in `status --json`: `{day,resets_at,usd:{spent,reserved,cap},tokens:{…},decides:{…},state}`.
package struct BudgetState: Sendable, Hashable {
  package enum Standing: String, Sendable, Comparable {
    /// Under 80 % on every axis.
    case open
    /// At 80 % of a cap or more.
    case warning
    /// An axis is used up: nothing new may start.
    case held

    package static func < (left: Standing, right: Standing) -> Bool { left.rank < right.rank }
    private var rank: Int { self == .open ? 0 : self == .warning ? 1 : 2 }
  }

  package let day: BudgetDay
  package let usd: BudgetAxisState
  package let tokens: BudgetAxisState
  package let decides: BudgetAxisState

  package init(day: BudgetDay, spent: BudgetAmounts, reserved: BudgetAmounts, caps: BudgetCaps) {
    self.day = day
    func axis(_ axis: BudgetAxis) -> BudgetAxisState {
      BudgetAxisState(spent: spent[axis], reserved: reserved[axis], cap: caps[axis])
    }
    usd = axis(.usd)
    tokens = axis(.tokens)
    decides = axis(.decides)
  }

  package subscript(axis: BudgetAxis) -> BudgetAxisState {
    switch axis {
    case .usd: usd
    case .tokens: tokens
    case .decides: decides
    }
  }

  /// As they stand, with the day's raises in them.
  package var caps: BudgetCaps {
    BudgetCaps(usd: usd.cap.map { MicroUSD(micros: $0) }, tokens: tokens.cap, decides: decides.cap)
  }

  package var standing: Standing {
    var worst = Standing.open
    for axis in BudgetAxis.allCases {
      guard let cap = self[axis].cap else { continue }
      let used = self[axis].committed
      if used >= cap { return .held }
      if BudgetThreshold.warning.isReached(used: used, cap: cap) { worst = .warning }
    }
    return worst
  }
}

extension BudgetState {
  /// What will stop the day before it is over, from half of a cap on, in words; nil while nothing does.
  ///
  /// *Shape*: `83 % of today's $20.00 are spent or held; at this rate spent by 15:40`.
  package func concern(forecast: String?) -> String? {
    if let axis = BudgetAxis.allCases.first(where: { self[$0].cap == 0 && self[$0].committed > 0 }) {
      return "\(axis.words(self[axis].committed)) are spent or held where today's budget is \(axis.words(0))"
    }
    let used = BudgetAxis.allCases.compactMap { axis -> (axis: BudgetAxis, percent: Int128)? in
      self[axis].cap.flatMap { $0 > 0 ? (axis, Int128(self[axis].committed) * 100 / Int128($0)) : nil }
    }.max { $0.percent < $1.percent }
    guard let used, used.percent >= BudgetThreshold.half.rawValue, let cap = self[used.axis].cap else { return nil }
    return "\(used.percent) % of today's \(used.axis.words(cap)) are spent or held\(forecast.map { "; \($0)" } ?? "")"
  }

  /// Whether something may start now that could not before: a new day, a raise, or a hold that was given back.
  package func leaves(moreThan before: BudgetState) -> Bool {
    day != before.day
      || BudgetAxis.allCases.contains { axis in
        switch (self[axis].left, before[axis].left) {
        case (nil, let old): old != nil
        case (_?, nil): false
        case (let new?, let old?): new > old
        }
      }
  }
}

/// The marks that a day's spending is announced at.
package enum BudgetThreshold: Int64, Sendable, CaseIterable {
  case half = 50
  /// Running workers are told at this one.
  case warning = 80
  case spent = 100

  package func isReached(used: Int64, cap: Int64) -> Bool {
    guard cap > 0 else { return true }
    // Wide, since a saturated total times 100 leaves 64 bits.
    return Int128(used) * 100 >= Int128(cap) * Int128(rawValue)
  }

  /// *Shape*: `80 % of today's $20.00 are spent ($16.40); at this rate spent by 15:40`.
  package func words(_ axis: BudgetAxis, _ state: BudgetState, scope: BudgetScope, forecast: String?) -> String {
    let whose = scope == .fleet ? "the whole fleet: " : ""
    let (cap, spent) = (axis.words(state[axis].cap ?? 0), axis.words(state[axis].spent))
    return "\(whose)\(rawValue) % of today's \(cap) are spent (\(spent))\(forecast.map { "; \($0)" } ?? "")"
  }

  /// The marks that are reached, as one word to compare days by; empty while none is.
  package static func marks(_ state: BudgetState) -> String {
    reached(in: state).map {
      "\(state.day.date) \($0.axis.rawValue) \(state[$0.axis].cap ?? 0) \($0.threshold.rawValue)"
    }.joined(separator: ";")
  }

  /// The marks that `state` has reached by what is *spent*, by axis. Announced once a day each; the ledger remembers which.
  package static func reached(in state: BudgetState) -> [(axis: BudgetAxis, threshold: BudgetThreshold)] {
    BudgetAxis.allCases.flatMap { axis -> [(axis: BudgetAxis, threshold: BudgetThreshold)] in
      guard let cap = state[axis].cap, cap > 0 else { return [] }
      return allCases.filter { $0.isReached(used: state[axis].spent, cap: cap) }.map { (axis, $0) }
    }
  }
}
