import SystemPackage
import Tenant

/// What a sandbox sets for its worker, its setup and its teardown.
enum SandboxEnvironment {
  /// *Request*: `{ports?: {first, count}}`, as the supervisor gave them.
  static func of(_ layout: SandboxLayout, _ worker: SandboxName, _ request: SandboxRequest) -> [String: String] {
    let temporary = layout.temporary(worker)
    var environment = ["LOOOP_SANDBOX": layout.tree(worker).string]
    // Programs differ in which they ask; the tenant's own are set as well, and would win.
    for name in ["TMPDIR", "TMP", "TEMP", "CLAUDE_CODE_TMPDIR"] { environment[name] = temporary.string }
    if let ports = request.document["ports"], let first = ports["first"]?.int, let count = ports["count"]?.int {
      environment["LOOOP_PORT_BASE"] = String(first)
      environment["LOOOP_PORT_COUNT"] = String(count)
    }
    return environment
  }
}
