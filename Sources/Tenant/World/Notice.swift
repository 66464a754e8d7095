/// Something worth a log line, as a value: whoever owns the output prints it (human or JSON), whoever owns the beat may also
/// put it into events.jsonl. `code` is looop 1.0's (`sense.fail`, `claim.reaped`, `env.invalid`, …).
package struct Notice: Hashable, Sendable {
  package enum Level: String, Sendable, CaseIterable { case info, step, ok, warn, error }

  package var level: Level
  package var code: String
  package var message: String
  package var fields: [String: JSON]

  package init(_ level: Level, _ code: String, _ message: String, fields: [String: JSON] = [:]) {
    self.level = level
    self.code = code
    self.message = message
    self.fields = fields
  }
}
