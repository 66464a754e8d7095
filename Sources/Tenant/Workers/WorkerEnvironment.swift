package import SystemPackage

/// What a worker's process finds in its environment.
package enum WorkerEnvironment {
  package static func make(
    _ base: HostEnvironment, id: String, data: DataDir, binary: FilePath, sandbox: FilePath? = nil,
    branch: String? = nil, goal: String? = nil, extra: [String: String] = [:]
  ) -> HostEnvironment {
    var environment = base
    environment["LOOOP_SESSION_ID"] = id
    environment["BABYSIT_SESSION_ID"] = id
    environment["LOOOP_BIN"] = binary.string
    environment["LOOOP_DATA_DIR"] = data.root.string
    environment["LOOOP_CONFIG"] = base["LOOOP_CONFIG"] ?? data.root.appending("config.json").string
    environment["LOOOP_CLAIMS_DIR"] = data.claims.string
    environment["LOOOP_REPORTS_DIR"] = data.reports.string
    environment["LOOOP_LOG_FORMAT"] = base["LOOOP_LOG_FORMAT"] ?? "human"
    environment["LOOOP_GOAL"] = goal
    environment["LOOOP_SANDBOX"] = sandbox?.string
    environment["LOOOP_BRANCH"] = branch
    if base["TERM"] == nil || base["TERM"] == "dumb" { environment["TERM"] = "xterm-256color" }
    // The sizes of the starter's terminal are not those of ours.
    environment["COLUMNS"] = nil
    environment["LINES"] = nil
    // What its sandbox gives it: a temporary directory and ports of its own.
    for (name, value) in extra { environment[name] = value }
    return environment
  }
}
