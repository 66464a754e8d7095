import CLinux
import Glibc
package import SystemPackage

/// The worker below its holder: its terminal (or pipe), its signals, its descendants.
@safe struct HeldProcess: ~Copyable {
  let pid: Int32
  /// Reads the signals that concern us: a child's end, and the wish to stop.
  let signals: CInt
  /// The terminal's other end, or the pipe's.
  private(set) var output: CInt
  private let isTerminal: Bool
  private(set) var hasEnded = false
  private(set) var stopRequested = false
  /// When the terminal last had nobody on it; looked at again after a while, somebody may open it anew.
  private var silentSince: Double?
  private let buffer: UnsafeMutableRawBufferPointer

  static let bufferSize = 32768

  init(_ options: SessionOptions, environment: HostEnvironment) throws {
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    for number in [SIGCHLD, SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&mask, number) }
    unsafe sigprocmask(SIG_BLOCK, &mask, nil)
    let descriptor = unsafe clinux_signal_descriptor(&mask)
    guard descriptor >= 0 else { throw HostError.last("watch signals") }
    let executable = try Executable.find(options.command[0], environment)
    let (end, child) =
      try
      (options.usesTerminal
      ? Self.startOnTerminal(executable, options, environment) : Self.startOnPipe(executable, options, environment))
    _ = fcntl(end, F_SETFL, O_NONBLOCK)
    signals = descriptor
    output = end
    pid = child
    isTerminal = options.usesTerminal
    unsafe buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
  }

  deinit { unsafe buffer.deallocate() }

  private static func startOnTerminal(
    _ executable: FilePath, _ options: SessionOptions, _ environment: HostEnvironment
  ) throws -> (CInt, Int32) {
    let end = clinux_open_terminal()
    guard end >= 0 else { throw HostError.last("open a terminal") }
    _ = clinux_set_window_size(end, UInt16(options.rows), UInt16(options.columns))
    let child = unsafe CStrings(options.command).withPointers { argv in
      unsafe CStrings(environment.entries).withPointers { envp in
        unsafe clinux_spawn_on_terminal(end, executable.string, argv, envp)
      }
    }
    guard child > 0 else { throw HostError.last("start", executable) }
    return (end, child)
  }

  private static func startOnPipe(
    _ executable: FilePath, _ options: SessionOptions, _ environment: HostEnvironment
  ) throws -> (CInt, Int32) {
    let pipe = try Pipe()
    defer { close(pipe.writeEnd) }
    var spawn = Spawn(executable, Array(options.command.dropFirst()), environment: environment)
    spawn.output = .descriptor(pipe.writeEnd)
    spawn.errors = .descriptor(pipe.writeEnd)
    spawn.newSession = true
    return (pipe.readEnd, try spawn.start())
  }

  // MARK: Output

  /// Takes one piece of output into the log. `nil` or 0 when there is none now.
  mutating func read(into log: inout SessionLog, now: Double) -> Int? {
    guard output >= 0 else { return nil }
    let count = unsafe Glibc.read(output, buffer.baseAddress!, Self.bufferSize)
    if count > 0 {
      silentSince = nil
      unsafe log.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      return count
    }
    if count < 0, errno == EAGAIN || errno == EINTR { return nil }
    if isTerminal {
      silentSince = now
    } else {
      close(output)
      output = -1
    }
    return nil
  }

  /// Nobody has the terminal open: polling it would spin.
  func isSilent(now: Double) -> Bool { silentSince.map { now - $0 < 1 } ?? false }

  /// Types into the terminal; what did not fit comes back.
  func write(_ bytes: [UInt8]) -> [UInt8] {
    guard isTerminal, output >= 0 else { return [] }
    let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(output, $0.baseAddress, $0.count) }
    if count < 0 { return errno == EAGAIN ? bytes : [] }
    return Array(bytes.dropFirst(count))
  }

  // MARK: Life and death

  mutating func drainSignals() {
    while true {
      let count = unsafe Glibc.read(signals, buffer.baseAddress!, clinux_signal_info_size)
      guard count == clinux_signal_info_size else { return }
      let number = unsafe buffer.load(as: UInt32.self)
      if number != UInt32(SIGCHLD) { stopRequested = true }
    }
  }

  mutating func reap() -> (pid: Int32, status: CInt)? {
    var status: CInt = 0
    let ended = unsafe waitpid(-1, &status, WNOHANG)
    guard ended > 0 else { return nil }
    if ended == pid { hasEnded = true }
    return (ended, status)
  }

  /// SIGHUP for the worker's group, the terminal's foreground job, and everything else of it.
  func hangUp() {
    kill(-pid, SIGHUP)
    kill(-pid, SIGCONT)
    if isTerminal {
      let foreground = clinux_foreground_group(output)
      if foreground > 1, foreground != pid { kill(-foreground, SIGHUP) }
    }
    for descendant in remains() where descendant != pid { kill(descendant, SIGHUP) }
  }

  /// What is left of it, the worker itself included.
  func remains() -> [Int32] {
    let table = ProcessTable.read()
    let below = Set(table.descendants(of: getpid()))
    return Array(below.union(table.members(ofSession: pid)))
  }
}

/// Finds a program as the shell would.
package enum Executable {
  package static func find(_ name: String, _ environment: HostEnvironment) throws -> FilePath {
    if name.contains("/") { return FilePath(name) }
    for directory in (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
      let path = FilePath(String(directory)).appending(name)
      if unsafe path.withPlatformString({ unsafe access($0, X_OK) }) == 0, !Directory.exists(path) { return path }
    }
    throw Refusal(.notFound, "no program \(name) on PATH")
  }
}
