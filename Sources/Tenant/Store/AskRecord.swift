/// A question that only a human answers. Shape: `{"id":"<worker>-<n>","prompt":…,"ts":unix,"v":1,"worker":…[,"reference"][,"options"]}`.
/// Ours adds `goal` and `irreversible` (it gates a parked move); looop 1.0 ignores them.
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
  package var detached: Bool
  /// The record as read; fields that are not ours survive in it.
  package var raw: JSON

  package init(
    id: String, worker: String, prompt: String, ts: Int64, reference: String? = nil, options: [String] = [],
    goal: String? = nil, irreversible: Bool = false
  ) {
    self.id = id
    self.worker = worker
    self.prompt = prompt
    self.ts = ts
    self.reference = reference
    self.options = options
    self.goal = goal
    self.irreversible = irreversible
    detached = false
    var raw: JSON = [
      "id": .string(id), "worker": .string(worker), "prompt": .string(prompt), "ts": .int(ts), "v": 1,
    ]
    raw["reference"] = reference.map(JSON.string)
    raw["options"] = options.isEmpty ? nil : .array(options.map(JSON.string))
    raw["goal"] = goal.map(JSON.string)
    raw["irreversible"] = irreversible ? true : nil
    self.raw = raw
  }

  /// `nil` where the text is not an ask. The file's stem is the id, whatever the record says.
  package init?(id: String, json: JSON) {
    guard let prompt = json["prompt"]?.string else { return nil }
    self.id = id
    self.prompt = prompt
    worker = json["worker"]?.string ?? id
    ts = json["ts"]?.int ?? 0
    reference = json["reference"]?.string
    options = json["options"]?.array?.compactMap(\.string) ?? []
    goal = json["goal"]?.string
    irreversible = json["irreversible"]?.bool ?? false
    detached = json["detach"]?.bool ?? false
    raw = json
  }
}
