package import Tenant

/// One of the three things a day is limited in. Any of them may bind.
package enum BudgetAxis: String, Sendable, CaseIterable {
  case usd, tokens, decides

  /// A quantity of this axis as a person reads it: `$0.25`, `1200 tokens`, `3 decides`.
  package func words(_ quantity: Int64) -> String {
    switch self {
    case .usd: MicroUSD(micros: quantity).description
    case .tokens: "\(quantity) tokens"
    case .decides: quantity == 1 ? "1 decide" : "\(quantity) decides"
    }
  }
}

/// A quantity on each axis: what a run is expected to take, what it took, what a day has spent.
package struct BudgetAmounts: Sendable, Hashable {
  package var usd: MicroUSD
  package var tokens: Int64
  package var decides: Int64

  package static let zero = BudgetAmounts()

  package init(usd: MicroUSD = .zero, tokens: Int64 = 0, decides: Int64 = 0) {
    self.usd = usd
    self.tokens = tokens
    self.decides = decides
  }

  /// The axis in its smallest unit: micro-dollars, tokens, decides.
  package subscript(axis: BudgetAxis) -> Int64 {
    get {
      switch axis {
      case .usd: usd.micros
      case .tokens: tokens
      case .decides: decides
      }
    }
    set {
      switch axis {
      case .usd: usd = MicroUSD(micros: newValue)
      case .tokens: tokens = newValue
      case .decides: decides = newValue
      }
    }
  }

  package static func + (left: BudgetAmounts, right: BudgetAmounts) -> BudgetAmounts {
    BudgetAmounts(
      usd: left.usd + right.usd, tokens: left.tokens.saturatingSum(right.tokens),
      decides: left.decides.saturatingSum(right.decides))
  }

  /// What is left of this after `used`, never below zero on an axis.
  package func remaining(after used: BudgetAmounts) -> BudgetAmounts {
    var left = BudgetAmounts.zero
    for axis in BudgetAxis.allCases { left[axis] = max(0, self[axis].saturatingSum(-used[axis])) }
    return left
  }
}

/// What a day may take. Nil is no cap on that axis; a cap of 0 is a cap: nothing may be spent.
package struct BudgetCaps: Sendable, Hashable {
  package var usd: MicroUSD?
  package var tokens: Int64?
  package var decides: Int64?

  package static let none = BudgetCaps()

  package init(usd: MicroUSD? = nil, tokens: Int64? = nil, decides: Int64? = nil) {
    self.usd = usd
    self.tokens = tokens
    self.decides = decides
  }

  package subscript(axis: BudgetAxis) -> Int64? {
    switch axis {
    case .usd: usd?.micros
    case .tokens: tokens
    case .decides: decides
    }
  }

  /// These caps with a day's raises on top. A raise of an axis without a cap changes nothing.
  package func raised(by amounts: BudgetAmounts) -> BudgetCaps {
    BudgetCaps(
      usd: usd.map { $0 + amounts.usd }, tokens: tokens.map { $0.saturatingSum(amounts.tokens) },
      decides: decides.map { $0.saturatingSum(amounts.decides) })
  }
}
