import ArgumentParser
import SystemPackage
import Tenant

/// The fleet's side of a wish: it has made the sandbox, now the worker starts.
struct WorkerLaunchVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "launch", abstract: "Start a pending worker (called by the fleet).", shouldDisplay: false)

  @Argument(help: "The worker.") var id: String
  @Option(help: "The directory it works in.", completion: .directory) var sandbox: String?
  @Option(help: "The branch that is checked out there.") var branch: String?
  @Option(name: .customLong("env"), help: "A variable for it: NAME=VALUE.") var variables: [String] = []
  @Option(help: "A JSON list: the words of a program that it is started by.") var within: String?
  @Flag(help: "Print the process as JSON.") var json = false

  mutating func perform(in context: Context) throws -> Int32 {
    try Self.launch(
      context, id: id, sandbox: sandbox, branch: branch, variables: variables, within: within, json: json)
  }

  static func launch(
    _ context: Context, id: String, sandbox: String?, branch: String?, variables: [String], within: String?,
    json: Bool
  ) throws -> Int32 {
    var environment: [String: String] = [:]
    for variable in variables {
      let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw Refusal(.invalid, "--env \(variable) is not NAME=VALUE")
      }
      environment[String(parts[0])] = String(parts[1])
    }
    let record = try WorkersHere.launcher(context).launch(
      id, sandbox: sandbox.map { FilePath($0) }, branch: branch, environment: environment,
      within: try words(within))
    if json {
      context.printer.compact(record.process?.json ?? .null)
    } else {
      context.printer.line("launch-worker \(id)")
    }
    return ExitStatus.done
  }

  /// A guard that was misread is a guard that was dropped.
  private static func words(_ text: String?) throws -> [String] {
    guard let text else { return [] }
    let words = try JSON(parsing: text).array?.map(\.string) ?? [nil]
    guard words.allSatisfy({ $0 != nil }) else { throw Failure("--within is no JSON list of words") }
    return words.compactMap { $0 }
  }
}
