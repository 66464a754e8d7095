/// What a worker's session will be: which runner, with which model, on how long a brief. A fleet asks before it starts one, since
/// money is reserved by it.
package struct WorkerRunner: Hashable, Sendable {
  /// As in ``RunUsage``; `rules` for a plain shell on the brief, which has no model behind it.
  package var runner: String
  package var model: String?
  package var promptBytes: Int64

  package init(runner: String, model: String?, promptBytes: Int64) {
    self.runner = runner
    self.model = model
    self.promptBytes = promptBytes
  }

  /// - `configured`: the worker command that is in force; nil where none can be read.
  package static func of(_ record: WorkerRecord, configured: String?, data: DataDir) -> WorkerRunner {
    let command = record.command ?? configured ?? ""
    let brief = Int64(WorkerRecords(data).brief(record.id)?.utf8.count ?? 0)
    if PromptScript.isRun(by: command) { return WorkerRunner(runner: "rules", model: nil, promptBytes: brief) }
    let kind = RunnerKind.of(command)
    // A command that only calls itself `rules` is somebody's program.
    let name = kind == .plain || kind == .rules ? "command" : kind.rawValue
    return WorkerRunner(runner: name, model: RunnerKind.model(command), promptBytes: brief)
  }

  /// *Shape*: `{"runner":"claude","model":"opus"|null,"prompt_bytes":812}`
  package var json: JSON {
    ["runner": .string(runner), "model": .optional(model), "prompt_bytes": .int(promptBytes)]
  }

  package init?(json: JSON) {
    guard let runner = json["runner"]?.string else { return nil }
    self.init(runner: runner, model: json["model"]?.string, promptBytes: max(0, json["prompt_bytes"]?.int ?? 0))
  }
}
