/// A list from which one row is chosen, as a value.
struct Menu: Hashable {
  enum Outcome: Hashable { case choosing, chosen, aborted }

  let count: Int
  private(set) var selected: Int

  init(count: Int, selected: Int = 0) {
    self.count = count
    self.selected = min(max(0, selected), count - 1)
  }

  mutating func apply(_ key: Key) -> Outcome {
    switch key {
    case .up, .text("k"): selected = max(0, selected - 1)
    case .down, .text("j"): selected = min(count - 1, selected + 1)
    case .home: selected = 0
    case .end: selected = count - 1
    case .text(let digit):
      if let number = digit.wholeNumberValue, number >= 1, number <= count { selected = number - 1 }
    case .enter: return .chosen
    case .escape, .control("c"), .control("d"): return .aborted
    default: break
    }
    return .choosing
  }
}
