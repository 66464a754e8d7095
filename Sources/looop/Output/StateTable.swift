import Tenant

/// `state` as text: blocks that are empty are left out.
enum StateTable {
  static func lines(_ view: StateView, _ context: Context) -> [String] {
    let printer = context.printer
    let width = printer.width
    let live = view.workers.filter(\.isAlive)
    let pulse = view.isPulseAlive ? printer.styled("live", .green) : printer.styled("DOWN", .red)
    var lines = [
      "pulse: \(pulse)  ·  asks: \(view.asks.count)  ·  workers: \(live.count) live / \(view.workers.count)"
        + "  ·  goals: \(view.goals.count)"
    ]
    if !view.isPulseAlive { lines.append("  ⚠ nothing is being watched: run `looop up` to start the loop") }
    for ask in view.asks {
      let age = Age.ago(max(0, context.clock.now - ask.ts))
      let first = ask.prompt.split(separator: "\n").first.map(String.init) ?? ""
      lines.append(TextWidth.clip("  ⚑ \(ask.id) (\(ask.worker) · \(age)): \(first)", to: width))
      lines += AsksTable.details(ask).map { TextWidth.clip("  \($0)", to: width) }
    }
    if !view.snapshots.isEmpty {
      lines.append("sensors:")
      for (stem, value) in view.snapshots.sorted(by: { $0.key < $1.key }) {
        lines.append(TextWidth.clip("  \(stem): \((value["signal"] ?? value).compact)", to: width))
      }
    }
    if !live.isEmpty {
      lines.append("workers (live):")
      lines += live.map { TextWidth.clip("  ● \($0.id)  \($0.state.rawValue)", to: width) }
    }
    if !view.journalTail.isEmpty {
      lines.append("journal (latest):")
      lines += view.journalTail.suffix(3).map { TextWidth.clip("  \($0)", to: width) }
    }
    return lines
  }
}
