import Tenant

/// What an audit found, and what it did about it.
struct AuditFinding: Hashable, Sendable {
  var drift: AuditDrift
  var done: String
  /// Something had to be put right, or is still wrong: people should hear of it.
  var isSerious: Bool

  var json: JSON {
    [
      "what": .string(drift.what), "done": .string(done), "serious": .bool(isSerious),
      "news": .bool(drift.action == .report),
    ]
  }

  /// What nobody but a person can put right.
  static func leftAlone(_ drift: AuditDrift) -> AuditFinding {
    AuditFinding(
      drift: drift, done: "nothing was put back: sandboxes of this repository are refused until somebody looked",
      isSerious: true)
  }

  var sentence: String { "\(drift.what) (\(done))" }

  /// So many of a kind a person reads; a worker may make a hundred thousand refs.
  private static let mostOfAKind = 10

  /// What is left of a kind is told as a number. Each was dealt with all the same.
  static func folded(_ findings: [AuditFinding]) -> [AuditFinding] {
    struct Kind: Hashable {
      var action: AuditDrift.Kind
      var isSerious: Bool
    }
    var counts: [Kind: Int] = [:]
    var told: [AuditFinding] = []
    var rest: [(kind: Kind, like: AuditFinding)] = []
    for finding in findings {
      let kind = Kind(action: finding.drift.action.kind, isSerious: finding.isSerious)
      counts[kind, default: 0] += 1
      if counts[kind] ?? 0 <= mostOfAKind { told.append(finding) }
      if counts[kind] == mostOfAKind + 1 { rest.append((kind, finding)) }
    }
    return told
      + rest.map { kind, like in
        let number = (counts[kind] ?? 0) - mostOfAKind
        return AuditFinding(
          drift: AuditDrift(what: "\(number) more like this: \(like.drift.what)", action: like.drift.action),
          done: like.done, isSerious: kind.isSerious)
      }
  }
}
