/// Stands before every move of the decider: what cannot be taken back waits for a human's yes, whatever the decider thinks of it.
/// The deny-list stands before everybody.
package struct IrreversibleGate: Sendable {
  package let rules: CommandRules
  /// `LOOOP_SHELL_ALLOW_DANGEROUS=1`: the operator's own override of the deny-list.
  package let allowsDangerous: Bool

  package init(rules: CommandRules, allowsDangerous: Bool = false) {
    self.rules = rules
    self.allowsDangerous = allowsDangerous
  }

  /// Why this move has to wait; `nil` = go on. *Throws* ``ActError`` (`forbidden`) for what nobody may run.
  package func check(_ move: Move, origin: Executor.Origin) throws(ActError) -> String? {
    var reason = move.irreversible && move.action.kind != "noop" ? "the decider says that it cannot be taken back" : nil
    for command in Self.commands(of: move.action, origin: origin) {
      switch rules.verdict(on: command.text, leniency: command.leniency) {
      case .reversible: break
      case .irreversible(let why): reason = why
      case .forbidden(let why):
        if allowsDangerous { break }
        throw ActError(
          .forbidden, "refused, not executed: \(why)",
          hint: "LOOOP_SHELL_ALLOW_DANGEROUS=1 switches the deny-list off")
      }
    }
    return origin == .decider ? reason : nil
  }

  struct Command {
    var text: String
    var leniency: CommandRules.Leniency
  }

  /// The commands that a move would have run now or later. What the loop writes down to be run by itself later (a verify command, a
  /// sensor) is judged too, or it would be a way around the gate.
  static func commands(of action: Action, origin: Executor.Origin) -> [Command] {
    switch action {
    case .runShell(let command, _):
      return [Command(text: command, leniency: .none)]
    case .startWorker(let wish):
      guard origin == .decider else { return [] }
      return [wish.command, wish.verify].compactMap { $0 }.map { Command(text: $0, leniency: .none) }
    case .writeSensor(_, let script):
      guard origin == .decider else { return [] }
      return [Command(text: script, leniency: .sensor)]
    case .noop, .writeGoal, .archiveGoal, .writePlaybook, .killWorker, .writeSchedule, .dropSchedule:
      return []
    }
  }
}
