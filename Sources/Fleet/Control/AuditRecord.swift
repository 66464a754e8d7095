package import Tenant

/// Who wanted what and what came of it: one line of the audit log. Reads are not audited; every order is, also a refused one.
package struct AuditRecord: Hashable, Sendable {
  /// Unix seconds.
  package var at: Int64
  package var caller: Caller
  /// `answer`, `kill`, `pause`, `resume`, `freeze`, `thaw`, `raise`, `reload`, `prune`, `land`, `restore`, `verb`.
  package var action: String
  /// `web/deploy-1`, `web`, or nil for the whole fleet.
  package var target: String?
  /// The order in short: an amount, a verb's words. Never an answer's text, which may hold a secret.
  package var detail: String?
  /// `done`, or the refusal's code.
  package var outcome: String

  package init(at: Int64, caller: Caller, action: String, target: String?, detail: String?, outcome: String) {
    self.at = at
    self.caller = caller
    self.action = action
    self.target = target
    self.detail = detail
    self.outcome = outcome
  }

  package var json: JSON {
    [
      "at": .int(at), "by": caller.json, "action": .string(action), "target": .optional(target),
      "detail": .optional(detail), "outcome": .string(outcome),
    ]
  }
}
