import SystemPackage

/// What a runner would ask on a screen that nobody watches, answered before it starts. A worker that stands at such a question costs
/// nothing, does nothing and says nothing, until somebody takes a screenshot of it.
///
/// Only what the operator has said already is answered: a command with claude's `--dangerously-skip-permissions` says that it
/// is to work there unasked.
package enum RunnerReadiness {
  /// - `ownsHome`: the runner's home is the fleet's for this tenant, where nobody has sat in front of the runner yet. A user's own
  ///   home is never written to.
  package static func prepare(
    _ command: String, _ environment: inout HostEnvironment, ownsHome: Bool
  ) throws(HostError) {
    guard RunnerKind.of(command) == .claude, command.contains("--dangerously-skip-permissions") else { return }
    // "Do you trust this folder?", asked for each new one: a sandbox always is.
    environment["CLAUDE_CODE_SANDBOXED"] = environment["CLAUDE_CODE_SANDBOXED"] ?? "1"
    if ownsHome, let home = environment["CLAUDE_CONFIG_DIR"] {
      try welcome(FilePath(home).appending(".claude.json"), key: environment["ANTHROPIC_API_KEY"])
    }
  }

  /// The first start's questions: a colour scheme, and whether the key of the environment is meant.
  private static func welcome(_ path: FilePath, key: String?) throws(HostError) {
    var json: JSON
    switch StateFile.read(path) {
    case .absent: json = [:]
    case .value(let known) where known.object != nil: json = known
    // Its owner's to mend.
    case .value, .corrupt, .unreadable: return
    }
    let before = json
    if json["hasCompletedOnboarding"]?.bool != true {
      json["hasCompletedOnboarding"] = true
      json["theme"] = json["theme"] ?? "dark"
    }
    if let key, !key.isEmpty {
      // As claude keeps it: the key's last 20 characters.
      let mark = JSON.string(String(key.suffix(20)))
      var responses = json["customApiKeyResponses"] ?? ["rejected": []]
      let approved = responses["approved"]?.array ?? []
      let rejected = responses["rejected"]?.array ?? []
      if !approved.contains(mark), !rejected.contains(mark) {
        responses["approved"] = .array(approved + [mark])
        json["customApiKeyResponses"] = responses
      }
    }
    if json != before { try StateFile.write(json, to: path, mode: 0o600) }
  }
}
