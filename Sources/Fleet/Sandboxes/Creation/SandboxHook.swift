import Glibc
import SystemPackage
import Tenant

/// Runs a command that the fleet's configuration names for a sandbox (setup, teardown), as the tenant, in the tree. Commands
/// that a repository brings along are never run.
enum SandboxHook {
  /// Long enough for installing dependencies; a hook that hangs must not hold a worker's start for ever.
  static let defaultDeadline = 600.0

  /// - `lock`: the descriptor of a lock that stays held until the command is over, even if we are killed before. Its shell ends with us, and
  ///   what that was just running has the lock's empty file as its stdin; what a command leaves in the background has not.
  static func run(
    _ command: String, in tree: FilePath, environment: [String: String], deadline: Double?, lock: CInt? = nil
  ) throws {
    var spawn = Spawn.shell(command, environment: clean(environment), directory: tree)
    if let lock {
      spawn.input = .descriptor(lock)
      spawn.diesWithUs = true
    }
    var run = BoundedRun(spawn, deadline: deadline ?? defaultDeadline)
    run.mergeErrors = true
    run.reapGroup = true
    run.keepOutput = 1 << 16
    let outcome = run.run()
    guard outcome.reason.succeeded else {
      let said = String(decoding: outcome.output.suffix(2000), as: UTF8.self)
      let why = outcome.reason == .timedOut ? "did not end in time" : "failed (\(outcome.reason.shellCode))"
      throw SandboxError(.hookFailed, "\(command) \(why)", hint: said.isEmpty ? nil : said)
    }
  }

  /// Without git's own variables: an exported `GIT_DIR` would send every git command of the hook to another repository.
  static func clean(_ extra: [String: String]) -> HostEnvironment {
    var values = HostEnvironment.current().values.filter { !$0.key.hasPrefix("GIT_") }
    values.merge(extra) { _, new in new }
    return HostEnvironment(values)
  }
}
