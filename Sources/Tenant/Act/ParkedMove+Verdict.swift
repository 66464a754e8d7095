extension ParkedMove {
  /// What the mailbox says about an open one.
  package enum Verdict: Hashable, Sendable {
    case wait
    /// A crash came before its ask: ask now.
    case ask
    case approved(answer: String, by: String?)
    case refused(answer: String, by: String?)
    case withdrawn
    /// It was running when the loop died.
    case cutOff
  }

  /// Pure. Whoever calls this holds the beat's lock, so that nobody else can be running it now.
  package func verdict(answer: StateFile, ask: StateFile) -> Verdict {
    switch phase {
    case .running: return .cutOff
    case .done, .failed, .interrupted, .refused: return .wait
    case .waiting: break
    }
    // A corrupt or unreadable answer is none: the ask stays pending, as for every other ask.
    if let record = answer.value, let text = record["answer"]?.string {
      let by = record["by"]?.string
      return Approval.isYes(text) ? .approved(answer: text, by: by) : .refused(answer: text, by: by)
    }
    guard asked else { return .ask }
    if case .absent = ask, case .absent = answer { return .withdrawn }
    return .wait
  }

  /// The move to carry out, with the journal saying who allowed it.
  var approvedMove: Move {
    var move = move
    move.journal = "\(move.journal ?? move.action.summary) (approved by \(answeredBy ?? "a human") as \(askID))"
    return move
  }
}
