package import Tenant

/// The one question that a breached budget, a tenant's or the whole fleet's, puts to a person, and how an answer to it is read.
package struct BudgetAsk: Sendable, Hashable {
  package let scope: BudgetScope
  /// *Shape*: `budget-2026-03-29`, and `budget-2026-03-29-2` for the second breach of a day that was raised in between.
  package let id: String
  package let day: CivilDate
  package let axis: BudgetAxis
  package let prompt: String
  package let at: Int64
  package let answer: String?

  package init(
    scope: BudgetScope, id: String, day: CivilDate, axis: BudgetAxis, prompt: String, at: Int64, answer: String?
  ) {
    self.scope = scope
    self.id = id
    self.day = day
    self.axis = axis
    self.prompt = prompt
    self.at = at
    self.answer = answer
  }

  package static let options = ["raise AMOUNT", "wait"]

  package static func id(day: CivilDate, number: Int) -> String {
    number <= 1 ? "budget-\(day)" : "budget-\(day)-\(number)"
  }

  /// Whether it has exactly the shape of ``id(day:number:)``. A worker's ask may have it as well.
  package static func isID(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard (4...5).contains(parts.count), parts[0] == "budget" else { return false }
    return zip(parts.dropFirst(), [4, 2, 2, 0]).allSatisfy { part, digits in
      part.utf8.allSatisfy { (0x30...0x39).contains($0) } && (digits == 0 ? !part.isEmpty : part.count == digits)
    }
  }

  package static func prompt(_ refusal: AdmissionRefusal) -> String {
    let unit =
      switch refusal.axis {
      case .usd, nil: "`raise 5` adds $5.00"
      case .tokens: "`raise 1000000` adds a million tokens"
      case .decides: "`raise 50` adds 50 decides"
      }
    return "\(refusal.reason). Raise today's cap (\(unit)), or `wait` for the reset?"
  }
}

/// What a person answered to a budget's ask.
package enum BudgetAnswer: Sendable, Hashable {
  case raise(BudgetAmounts)
  case wait

  /// Understands `wait`, `no`, `raise 5`, `5`, `$2.50`, `raise by 5 usd`, `raise 100 decides`. The number alone is of the axis that was
  /// breached. Nil: not an answer; the ask stays open and says what it wants.
  package init?(_ text: String, axis: BudgetAxis) {
    var words = text.lowercased().split(whereSeparator: { $0.isWhitespace || $0 == "," })
    if words.count == 1, let word = words.first, ["wait", "no", "later"].contains(String(word)) {
      self = .wait
      return
    }
    var isRaise = false
    while let word = words.first, ["raise", "by", "to", "yes", "add"].contains(String(word)) {
      // "to" names a new cap, not a raise; reading it as a raise would spend more than was meant.
      guard word != "to" else { return nil }
      isRaise = true
      words.removeFirst()
    }
    guard var number = words.first, words.count <= 2 else { return nil }
    var axis = axis
    if number.first == "$" {
      number.removeFirst()
      axis = .usd
    }
    switch words.dropFirst().first {
    case nil: break
    case "usd", "dollar", "dollars": axis = .usd
    case "token", "tokens": axis = .tokens
    case "decide", "decides": axis = .decides
    default: return nil
    }
    var amounts = BudgetAmounts.zero
    switch axis {
    case .usd:
      guard let usd = MicroUSD(decimal: number), usd > .zero else { return nil }
      amounts.usd = usd
    case .tokens, .decides:
      guard let count = Int64(number), count > 0 else { return nil }
      amounts[axis] = count
    }
    // Any sentence that merely begins with a digit is no raise; one number, with or without the word, is.
    guard isRaise || words.count <= 2 else { return nil }
    self = .raise(amounts)
  }
}
