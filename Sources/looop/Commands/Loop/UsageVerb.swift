import ArgumentParser
import Tenant

/// `usage`: what a run, or a worker, has used, or who is neither. A fleet asks: for a run whose beat died, for its workers while they
/// live, and now and then for what nobody told it of.
struct UsageVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "usage", abstract: "Print what a run or a worker has used, as JSON (called by the fleet).")

  @Argument(help: "The run's id, as in runs/.") var run: String?
  @Option(help: "The worker's id instead of a run's.") var worker: String?
  @Option(help: "All that no run and no worker accounts for in the runner home, since then (Unix seconds).")
  var unclaimedSince: Int64?
  @Flag(help: "The only form there is.") var json = false

  mutating func perform(in context: Context) throws -> Int32 {
    switch (run, worker) {
    case (nil, nil) where unclaimedSince != nil:
      let finding = try WorkerUsage.unclaimed(
        since: unclaimedSince ?? 0, data: context.data, environment: context.environment)
      context.printer.compact(finding.json)
    case (let run?, nil):
      guard Identifier.isValidSession(run) else { throw Failure("\(run) is not a run's id") }
      var command = ""
      // A run's own events tell which runner it was; the configuration only adds the model's name.
      if case .value(let config) = RunnerConfig.read(context.data, context.environment) {
        command = config.tickCommand ?? ""
      }
      context.printer.compact(
        RecordedRun.reading(run, data: context.data, command: command, environment: context.environment))
    case (nil, let worker?):
      guard Identifier.isValidSession(worker), case .record(let record) = WorkerRecords(context.data).read(worker)
      else {
        throw Failure("there is no worker \(worker)", hint: "looop worker list shows them")
      }
      var command: String?
      if case .value(let config) = RunnerConfig.read(context.data, context.environment) {
        command = config.workerCommand
      }
      var answer = WorkerRunner.of(record, configured: command, data: context.data).json
      // One that has not started has used nothing.
      let used =
        record.phase == .pending
        ? TranscriptFinder.Finding(transcripts: [], unread: [])
        : WorkerUsage.find(record, data: context.data, environment: context.environment)
      for (key, value) in used.json.object ?? [:] { answer[key] = value }
      context.printer.compact(answer)
    default:
      throw Failure(
        "name one run, or one worker with --worker",
        hint: "looop _ usage RUN | looop _ usage --worker ID | looop _ usage --unclaimed-since UNIX")
    }
    return ExitStatus.done
  }
}
