import CLinux
import Glibc
package import SystemPackage

/// What a worker's process finds in its environment.
package enum WorkerEnvironment {
  package static func make(
    _ base: HostEnvironment, id: String, data: DataDir, binary: FilePath, sandbox: FilePath? = nil,
    branch: String? = nil, goal: String? = nil
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
    if sandbox != nil, let scratch = scratchDirectory(id, base) { environment["TMPDIR"] = scratch.string }
    return environment
  }

  /// A sandboxed worker's own place for temporary files, below the tenant's.
  package static func scratchPath(_ id: String, _ base: HostEnvironment) -> FilePath {
    FilePath(base["TMPDIR"] ?? "/tmp").appending("looop-\(getuid())-\(id)")
  }

  private static func scratchDirectory(_ id: String, _ base: HostEnvironment) -> FilePath? {
    let path = scratchPath(id, base)
    guard (try? Directory.create(path, mode: 0o700)) != nil else { return nil }
    var status = stat()
    // In a shared /tmp somebody else may have taken the name: only a directory of our own will do.
    guard unsafe path.withPlatformString({ unsafe lstat($0, &status) }) == 0, status.st_uid == getuid(),
      status.st_mode & S_IFMT == S_IFDIR
    else { return nil }
    return path
  }
}
