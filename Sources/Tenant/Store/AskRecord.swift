/// A question that only a human answers. Shape: `{"id":"<worker>-<n>","prompt":…,"ts":unix,"v":1,"worker":…[,"reference"][,"options"]}`.
/// Ours adds `goal`, `irreversible` (it gates a parked move) and `asker`; looop 1.0 ignores them.
package struct AskRecord: Hashable, Sendable {
  package var id: String
  package var worker: String
  package var prompt: String
  package var ts: Int64
  package var reference: String?
  package var options: [String]
  package var goal: String?
  package var irreversible: Bool
  /// Legacy: such an ask never counts as blocking a worker.
  package var detached = false
  /// The process that waits for the answer; `nil` where nobody does, or looop 1.0 wrote it.
  package var asker: ProcessIdentity?
  package init(
    id: String, worker: String, prompt: String, ts: Int64, reference: String? = nil, options: [String] = [],
    goal: String? = nil, irreversible: Bool = false, asker: ProcessIdentity? = nil
  ) {
    self.id = id
    self.worker = worker
    self.prompt = prompt
    self.ts = ts
    self.reference = reference
    self.options = options
    self.goal = goal
    self.irreversible = irreversible
    self.asker = asker
  }

  /// `nil` where the text is not an ask. The file's stem is the id, whatever the record says. An ask is never rewritten, so fields that are
  /// not ours need not be kept. Without a value in between: a mailbox may hold thousands.
  package init?(id: String, parsing bytes: [UInt8]) {
    var prompt: String?
    self.init(id: id, worker: id, prompt: "", ts: 0)
    do throws(JSONError) {
      try JSONReader.forEachMember(of: bytes) { key, reader throws(JSONError) in
        let value = try reader.member()
        switch key {
        case "prompt": prompt = value.string
        case "worker": worker = value.string ?? id
        case "ts": ts = value.int ?? 0
        case "reference": reference = value.string
        case "options": options = value.array?.compactMap(\.string) ?? []
        case "goal": goal = value.string
        case "irreversible": irreversible = value.bool ?? false
        case "asker": asker = ProcessIdentity(json: value)
        case "detach": detached = value.bool ?? false
        default: break
        }
      }
    } catch {
      return nil
    }
    guard let prompt else { return nil }
    self.prompt = prompt
  }

  /// As `asks/<id>.json` holds it. The first question of a new data dir has no `v`, as looop 1.0 seeds it.
  package func file(version: Bool = true) -> [UInt8] {
    var writer = JSONWriter(pretty: true)
    writer.object { ask in
      if let asker { ask.member("asker") { $0.write(asker.json) } }
      members(&ask, version: version)
    }
    return writer.bytes + [0x0A]
  }

  /// As `asks --json` and `state --json` show it. Shape: `{id,worker,prompt,ts[,reference][,options][,goal][,irreversible]}`.
  package func write(to writer: inout JSONWriter) { writer.object { members(&$0, version: false) } }

  private func members(_ ask: inout JSONWriter, version: Bool) {
    if let goal { ask.member("goal") { $0.write(goal) } }
    ask.member("id") { $0.write(id) }
    if irreversible { ask.member("irreversible") { $0.write(true) } }
    if !options.isEmpty { ask.member("options") { $0.list(options) { $0.write($1) } } }
    ask.member("prompt") { $0.write(prompt) }
    if let reference { ask.member("reference") { $0.write(reference) } }
    ask.member("ts") { $0.write(.int(ts)) }
    if version { ask.member("v") { $0.write(1) } }
    ask.member("worker") { $0.write(worker) }
  }
}
