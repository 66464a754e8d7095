import Glibc
import SystemPackage

/// Which model a codex session ran with. Its stream does not say, and its configuration is its own: the transcript that it wrote
/// meanwhile does. Without it a run is priced as the dearest model there is.
package enum SessionModel {
  /// `$CODEX_HOME/sessions/YYYY/MM/DD`.
  private static let depth = 3
  private static let maximumBytes = 16 << 20

  package static func find(_ session: String, environment: HostEnvironment) -> String? {
    let home =
      environment["CODEX_HOME"].map { FilePath($0) } ?? environment["HOME"].map { FilePath($0).appending(".codex") }
    guard Identifier.isValidSession(session), let home,
      let file = newest(home.appending("sessions"), suffix: "-\(session).jsonl", depth: depth),
      case .contents(let bytes) = FileReading.of(file, maximumBytes: maximumBytes)
    else { return nil }
    let mark = Array("\"turn_context\"".utf8)
    var model: String?
    for line in bytes.split(separator: 0x0A) where Array(line).holds(mark) {
      // A torn line names no model.
      guard let json = try? JSON(parsing: Array(line)), json["type"]?.string == "turn_context" else { continue }
      model = json["payload"]?["model"]?.string ?? model
    }
    return model
  }

  /// Depth first, the latest day first: the session that is asked for has just ended.
  private static func newest(_ directory: FilePath, suffix: String, depth: Int) -> FilePath? {
    // A home that is not there, or not readable, has no sessions.
    for name in ((try? Directory.names(directory)) ?? []).sorted(by: >) {
      if depth == 0 {
        if name.hasSuffix(suffix) { return directory.appending(name) }
      } else if let found = newest(directory.appending(name), suffix: suffix, depth: depth - 1) {
        return found
      }
    }
    return nil
  }
}

extension RunUsage {
  /// With the model's name, where only the session's own record has it.
  package func withModel(_ environment: HostEnvironment) -> RunUsage {
    guard model == nil, runner == "codex", let session else { return self }
    var usage = self
    usage.model = SessionModel.find(session, environment: environment)
    return usage
  }
}
