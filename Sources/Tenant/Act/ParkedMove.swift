/// An irreversible move that waits for a human, and what became of it: `parked/<n>.json`.
package struct ParkedMove: Hashable, Sendable {
  package enum Phase: String, Sendable, CaseIterable {
    /// Its ask is pending.
    case waiting
    /// A yes was taken; the effect may have begun. Found after a crash, it is never begun again.
    case running
    case done
    case failed
    /// It was running when the loop died: nobody knows how far it came.
    case interrupted
    /// The answer was not an explicit yes, or the ask was withdrawn.
    case refused
  }

  package var number: Int
  package var phase: Phase
  package var move: Move
  package var why: String
  package var parkedAt: Int64
  /// The ask was published. Until then a crash may have come between the two files.
  package var asked: Bool
  package var answer: String?
  /// Who answered, as the answer's record says.
  package var answeredBy: String?
  package var endedAt: Int64?
  /// The error, or the end of the command's output.
  package var outcome: String?
  /// The end was in a prompt; it is not shown again.
  package var shown: Bool
  /// As read, so that fields which are not ours survive.
  package var raw: JSON

  /// The worker's name on these asks; no worker may have it.
  package static let worker = ReservedWorkers.gate
  package var askID: String { "\(Self.worker)-\(number)" }
  package var isOver: Bool { phase != .waiting && phase != .running }

  package init(number: Int, move: Move, why: String, parkedAt: Int64) {
    self.number = number
    phase = .waiting
    self.move = move
    self.why = why
    self.parkedAt = parkedAt
    asked = false
    shown = false
    raw = [:]
  }

  package init?(number: Int, json: JSON) {
    guard let phase = json["phase"]?.string.flatMap(Phase.init(rawValue:)),
      let move = json["move"].flatMap(Move.init(json:))
    else { return nil }
    self.number = number
    self.phase = phase
    self.move = move
    why = json["why"]?.string ?? ""
    parkedAt = json["parked_at"]?.int ?? 0
    asked = json["asked"]?.bool ?? true
    answer = json["answer"]?.string
    answeredBy = json["answered_by"]?.string
    endedAt = json["ended_at"]?.int
    outcome = json["outcome"]?.string
    shown = json["shown"]?.bool ?? false
    raw = json
  }

  package var json: JSON {
    var json = raw
    json["v"] = 1
    json["ask"] = .string(askID)
    json["phase"] = .string(phase.rawValue)
    json["move"] = move.json
    json["why"] = .string(why)
    json["parked_at"] = .int(parkedAt)
    json["asked"] = .bool(asked)
    json["answer"] = .optional(answer)
    json["answered_by"] = .optional(answeredBy)
    json["ended_at"] = .optional(endedAt)
    json["outcome"] = .optional(outcome)
    json["shown"] = .bool(shown)
    return json
  }

  /// The question for the mailbox.
  package var ask: AskRecord {
    AskRecord(
      id: askID, worker: Self.worker,
      prompt:
        "The loop wants to do something that cannot be taken back (\(why)).\n\n\(detail)\n\nDo it? Only an explicit yes runs it.",
      ts: parkedAt, reference: "parked/\(number).json", options: ["yes", "no"], goal: move.action.goal,
      irreversible: true)
  }

  /// What exactly would be done.
  private var detail: String {
    switch move.action {
    case .runShell(let command, let reason): "$ \(command)\(reason.map { "\n\nIts reason: \($0)" } ?? "")"
    case .startWorker(let wish):
      (["start worker \(wish.id)"]
        + [wish.command.map { "command: \($0)" }, wish.verify.map { "verify: \($0)" }, "brief:\n\(wish.prompt)"]
        .compactMap { $0 }).joined(separator: "\n")
    case .writeSensor(let name, let script): "write sensor \(name):\n\(script)"
    case .noop, .writeGoal, .archiveGoal, .writePlaybook, .killWorker, .writeSchedule, .dropSchedule:
      move.action.summary
    }
  }

  /// One line for a prompt: what it is and how it stands.
  package var line: String {
    let what = "\(askID): \(Journal.oneLine(move.action.summary)) (\(why))"
    switch phase {
    case .waiting: return "\(what) — WAITING for a human; do not repeat it, go on with other work"
    case .running: return "\(what) — running"
    case .done: return "\(what) — approved and done\(tail)"
    case .failed: return "\(what) — approved, but it FAILED\(tail)"
    case .interrupted: return "\(what) — approved, but CUT OFF by a crash; it is not run again, check what it did"
    case .refused:
      return "\(what) — REFUSED: \(Journal.oneLine(answer ?? outcome ?? "withdrawn")); do not try it again unchanged"
    }
  }

  private var tail: String { outcome.map { $0.isEmpty ? "" : ": \(Journal.oneLine($0))" } ?? "" }
}
