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
    for verdict in verdicts(on: move.action, origin: origin) {
      switch verdict {
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

  /// Of the commands that a move would have run now or later. What the loop writes down to be run by itself later (a verify command, a
  /// sensor, a brief that a shell runs) is judged too, or it would be a way around the gate.
  private func verdicts(on action: Action, origin: Executor.Origin) -> [CommandVerdict] {
    switch action {
    case .runShell(let command, _):
      return [rules.verdict(on: command)]
    case .startWorker(let wish):
      guard origin == .decider else { return [] }
      let verify = wish.verify.map { rules.verdict(on: $0) } ?? .reversible
      return [rules.verdict(onWorker: wish.command, brief: wish.prompt, inWorktree: wish.repo != nil), verify]
    case .writeSensor(_, let script):
      guard origin == .decider else { return [] }
      return [rules.verdict(on: script, leniency: .sensor)]
    case .noop, .writeGoal, .archiveGoal, .writePlaybook, .killWorker, .writeSchedule, .dropSchedule:
      return []
    }
  }
}
