import Glibc
package import SystemPackage
package import Tenant

/// The real `claude` and `codex`, and a scripted model for them on loopback. They are 700 MB, so they are nobody's to download in a
/// test: `LOOOP_REAL_AGENTS` says where they lie, else `/opt/looop-real-agents` and the cache of their install script are looked into.
/// Tests that use them say `.enabled(if: RealAgents.arePresent, "…")`, so that a run without them shows the skip; those that have other
/// users run them say `areForEveryUser`.
package enum RealAgents {
  package static let directory: FilePath = {
    let environment = HostEnvironment.current()
    let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/root") + "/.cache"
    let places = [environment["LOOOP_REAL_AGENTS"], "/opt/looop-real-agents", "\(cache)/looop-real-agents"]
      .compactMap { $0.map { FilePath($0) } }
    return places.first(where: holdsBoth) ?? places[0]
  }()

  package static var arePresent: Bool {
    holdsBoth(directory) && SharedDirectory.has("real-agents/mock_llm.py") && access("/usr/bin/python3", X_OK) == 0
  }

  /// Not below a home that its owner alone may enter.
  package static var areForEveryUser: Bool {
    guard arePresent else { return false }
    var place = directory
    while true {
      var status = stat()
      guard unsafe stat(place.string, &status) == 0, status.st_mode & 0o001 != 0 else { return false }
      guard place != "/" else { return true }
      place.removeLastComponent()
    }
  }

  private static func holdsBoth(_ place: FilePath) -> Bool {
    ["claude", "codex"].allSatisfy { access("\(place)/bin/\($0)", X_OK) == 0 }
  }

  /// For what starts them: they are found, and claude does not refuse to work for root.
  package static var environment: [String: String] {
    ["PATH": "\(directory)/bin:/usr/local/bin:/usr/bin:/bin", "IS_SANDBOX": "1"]
  }

  /// The scripted model.
  package final class Model: Sendable {
    private static let count = Locked(0)
    private let process: RunningProcess
    private let log: FilePath
    package let port: Int

    /// What the agents told the model, tool results too.
    package var heard: String { FileReading.of(log).text ?? "" }

    /// `rules` as its head comment has them: the first that matches answers.
    package init(_ scratch: ScratchDirectory, rules: [JSON], maximumSeconds: Int = 300) throws {
      let number = Self.count.withLock { count in
        count += 1
        return count
      }
      let name = "model-\(number)"
      log = scratch.appending("\(name).log")
      let script = try scratch.write(JSON.array(rules).compact, to: "\(name).json")
      let portFile = scratch.appending("\(name).port")
      guard let program = SharedDirectory.path?.appending("real-agents").appending("mock_llm.py") else {
        throw HostError("start", "mock_llm.py", errno: ENOENT)
      }
      process = try RunningProcess(
        "/usr/bin/python3",
        [
          program.string, "--script", script.string, "--port-file", portFile.string, "--log", log.string,
          "--max-seconds", "\(maximumSeconds)",
        ])
      var found: Int?
      _ = eventually(within: 20) {
        found = FileReading.of(portFile).text.flatMap { Int($0.filter { !$0.isWhitespace }) }
        return found != nil
      }
      guard let found else { throw HostError("start", program, errno: ETIMEDOUT) }
      port = found
    }

    /// Asks for one shell command, then says that it is done.
    package convenience init(_ scratch: ScratchDirectory, command: String) throws {
      try self.init(
        scratch,
        rules: [
          ["match": "TOOL_RESULT", "reply": "done"],
          ["match": "please start", "bash": .string(command), "input_tokens": 1000, "output_tokens": 50],
        ])
    }

    /// What leads claude here.
    package var claudeEnvironment: [String: String] {
      [
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:\(port)", "ANTHROPIC_API_KEY": "sk-test", "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
      ]
    }

    /// What leads codex here: its `config.toml`.
    package var codexConfiguration: String {
      """
      model = "gpt-5"
      model_provider = "mock"
      [model_providers.mock]
      name = "mock"
      base_url = "http://127.0.0.1:\(port)/v1"
      env_key = "MOCK_KEY"
      wire_api = "responses"

      """
    }

    /// A script that runs codex with these options.
    package func codex(_ options: String) -> String {
      """
      cat >"$CODEX_HOME/config.toml" <<'END'
      \(codexConfiguration)END
      MOCK_KEY=x \(RealAgents.directory)/bin/codex exec --json --skip-git-repo-check \(options) 'please start' </dev/null
      """
    }
  }
}
