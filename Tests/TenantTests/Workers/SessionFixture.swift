import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A data dir with real sessions, all of which are ended when the test is over.
final class SessionFixture: Sendable {
  let scratch: ScratchDirectory
  let data: DataDir
  let environment: HostEnvironment

  init() throws {
    scratch = try ScratchDirectory("s")
    data = DataDir(scratch.appending("d"))
    try Directory.create(data.root)
    environment = RunningProcess.environment([
      "LOOOP_DATA_DIR": data.root.string, "LOOOP_BIN": BuiltProducts.looop.string, "TERM": "xterm-256color",
    ])
  }

  deinit {
    // A record that names this process itself is a fixture, not a session.
    for session in (try? Sessions.list(data)) ?? [] where session.holder != getpid() {
      if session.isAlive { try? SessionControl(data).kill(session.id) }
      SessionLeftovers.end(session)
    }
  }

  @discardableResult
  func start(_ id: String, _ script: String) throws -> Session {
    try SessionStart(data, binary: BuiltProducts.looop, environment: environment).start(
      id, command: ["bash", "-c", script])
  }

  func launcher(_ command: String = "bash {{prompt_file}}", clock: HostClock = .system) -> WorkerLaunch {
    WorkerLaunch(data, environment: environment, binary: BuiltProducts.looop, clock: clock) { command }
  }

  func session(_ id: String) throws -> Session { try #require(Sessions.find(id, in: data)) }

  func log(_ id: String) -> String { FileReading.of(data.session(id).appending("output.log")).text ?? "" }

  /// The pid that a script wrote into a file below the scratch directory.
  func pid(_ name: String) throws -> Int32 {
    _ = eventually { scratch.read(name)?.hasSuffix("\n") == true }
    return try #require(scratch.read(name).flatMap { Int32($0.filter(\.isNumber)) })
  }

  func place(_ name: String) -> String { scratch.appending(name).string }

  /// A directory of a session as another program left it.
  func write(session id: String, meta: JSON?, status: JSON?) throws {
    try Directory.create(data.session(id))
    if let meta { try StateFile.write(meta, to: data.session(id).appending("meta.json")) }
    if let status { try StateFile.write(status, to: data.session(id).appending("status.json")) }
  }
}

/// Whether a process lives; a zombie does not.
func lives(_ pid: Int32) -> Bool { ProcessIdentity.of(pid) != nil }
