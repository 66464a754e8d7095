import Glibc
import SystemPackage
import Tenant
import TestSupport

/// The runner's home of a tenant that runs as the supervisor's own user. Where a runner is told of its login and its provider:
/// nothing of the supervisor's environment reaches it.
final class RealAgentsHome: Sendable {
  let path: FilePath

  init(_ tenant: String) throws {
    let home = unsafe getpwuid(geteuid()).map { unsafe String(cString: $0.pointee.pw_dir) } ?? "/root"
    path = FilePath(home).appending(".looop-fleet").appending(tenant)
  }

  deinit { try? Directory.removeTree(path) }

  func write(_ text: String, to file: String) throws {
    let file = path.pushing(FilePath(file))
    try Directory.create(file.removingLastComponent())
    try AtomicFile.write(text, to: file)
  }

  /// Leads either runner to the scripted model.
  func logIn(_ model: RealAgents.Model) throws {
    var environment = model.claudeEnvironment
    environment["ANTHROPIC_AUTH_TOKEN"] = environment.removeValue(forKey: "ANTHROPIC_API_KEY")
    let settings: JSON = ["env": .object(environment.mapValues(JSON.string))]
    try write(settings.pretty, to: "claude/settings.json")
    try write(model.codexConfiguration, to: "codex/config.toml")
  }
}
