import Glibc
import SystemPackage
import Tenant

/// What every verb works with: one data dir, and the machine as values.
struct Context {
  let data: DataDir
  let config: FilePath
  /// This program, for the children that call it back.
  let binary: FilePath
  /// The caller's environment and what looop promises its children (`LOOOP_BIN`, `LOOOP_DATA_DIR`, …).
  let environment: HostEnvironment
  let clock: HostClock
  let printer: Printer
  let directory: FilePath

  init(environment caller: HostEnvironment, directory: FilePath, binary: FilePath, clock: HostClock) throws(Failure) {
    func absolute(_ text: String) -> FilePath {
      let path = FilePath(text)
      let joined = path.isAbsolute ? path : directory.pushing(path)
      // `..` is left alone: across a symbolic link only the kernel knows what is above.
      return joined.components.contains { $0.kind == .parentDirectory } ? joined : joined.lexicallyNormalized()
    }
    func home() throws(Failure) -> FilePath {
      guard let home = caller["HOME"] else {
        throw Failure(
          "HOME is not set", hint: "set HOME, or name the data dir in LOOOP_DATA_DIR", status: ExitStatus.noHome)
      }
      return absolute(home)
    }
    let root: FilePath
    if let named = caller["LOOOP_DATA_DIR"] {
      root = absolute(named)
    } else if let state = caller["XDG_STATE_HOME"] {
      root = absolute(state).appending("looop")
    } else {
      root = try home().appending(".local").appending("state").appending("looop")
    }
    data = DataDir(root)
    config = caller["LOOOP_CONFIG"].map(absolute) ?? root.appending("config.json")
    self.binary = binary
    self.clock = clock
    self.directory = directory
    var environment = caller
    environment["LOOOP_CONFIG"] = config.string
    self.environment = environment.forChildren(data, binary: binary)
    printer = Printer(format: caller["LOOOP_LOG_FORMAT"] == "json" ? .json : .human, environment: caller)
  }

  /// The process as it is.
  static func current() throws(Failure) -> Context {
    try Context(
      environment: HostEnvironment.current(), directory: Machine.workingDirectory, binary: Machine.binary,
      clock: .system)
  }

  /// What runs this loop's beats.
  func loop(log: @escaping (Notice) -> Void) -> LoopSetup {
    LoopSetup(data, environment: environment, binary: binary, clock: clock, log: log)
  }

  /// The worker that calls, if it is one.
  var caller: String? { environment["LOOOP_SESSION_ID"] }

  /// A whole number of the environment; a bad one is warned of once and counts as unset.
  func number(_ name: String) -> Int? {
    var warnings: [String] = []
    let value = environment.number(name, warnings: &warnings)
    for warning in warnings { printer.warn("env.invalid", warning) }
    return value
  }
}

/// The two facts about this process that only the kernel knows.
enum Machine {
  static var workingDirectory: FilePath {
    guard let text = getcwd(nil, 0) else { return "/" }
    defer { free(text) }
    return FilePath(platformString: text)
  }

  /// The path of this program, whatever it was called as.
  static var binary: FilePath {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
    }
    // A process that has changed its user may not see it any more; then whoever started us has said it.
    guard count > 0 else { return getenv("LOOOP_BIN").map { FilePath(platformString: $0) } ?? "looop" }
    return FilePath(String(decoding: buffer[..<count], as: UTF8.self))
  }
}
