import CLinux
import Glibc
package import SystemPackage

/// Starts a detached session: `looop run --detached-id ID --root DATA … -- CMD…`, in a session of its own, with no
/// descriptor of ours, nobody's child. It answers once the session stands (or says why it does not).
package struct SessionStart: Sendable {
  package let data: DataDir
  /// The `looop` binary that holds the session.
  package let binary: FilePath
  package var environment: HostEnvironment
  package var timeoutSeconds: Double = 10

  package init(_ data: DataDir, binary: FilePath, environment: HostEnvironment) {
    self.data = data
    self.binary = binary
    self.environment = environment
  }

  /// A Unix socket's path has room for 107 bytes.
  package static let maximumSocketPath = 107

  /// Throws ``Refusal``: `invalid` (id, path too long), `alreadyExists`, `unavailable`.
  @discardableResult
  package func start(_ id: String, command: [String], directory: FilePath? = nil) throws -> Session {
    guard Identifier.isValidSession(id) else {
      throw Refusal(
        .invalid, "invalid session id \"\(id)\"",
        hint: "at most 64 characters of A-Z a-z 0-9 . _ -, not starting with .")
    }
    try Self.checkPath(data, id: id)
    try Directory.create(data.sessions)
    let report = try Pipe()
    defer { close(report.readEnd) }
    let arguments = [binary.string, "run", "--detached-id", id, "--root", data.root.string, "--report", "--"] + command
    let pid = unsafe CStrings(arguments).withPointers { argv in
      unsafe CStrings(environment.entries).withPointers { envp in
        unsafe clinux_spawn_detached(binary.string, argv, envp, (directory ?? data.root).string, report.writeEnd)
      }
    }
    let failure = HostError.last("start", binary)
    close(report.writeEnd)
    guard pid > 0 else { throw failure }
    let answer = try readReport(report.readEnd, id: id, pid: pid)
    if let error = answer["error"]?.string {
      let exists = answer["code"]?.string == Refusal.Code.alreadyExists.rawValue
      throw Refusal(exists ? .alreadyExists : .unavailable, error)
    }
    guard let session = Sessions.find(id, in: data) else {
      throw Refusal(.unavailable, "session \(id) vanished as it started")
    }
    return session
  }

  package static func checkPath(_ data: DataDir, id: String) throws(Refusal) {
    let length = data.session(id).appending("control.sock").string.utf8.count
    guard length <= maximumSocketPath else {
      throw Refusal(
        .invalid,
        "the data dir's path is too long for a Unix socket: session \(id) would need \(length) bytes of \(maximumSocketPath)",
        hint: "use a shorter LOOOP_DATA_DIR (a symbolic link does) or a shorter id")
    }
  }

  private func readReport(_ end: CInt, id: String, pid: Int32) throws -> JSON {
    let clock = HostClock.system
    let deadline = clock.monotonic() + timeoutSeconds
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !text.contains(UInt8(ascii: "\n")) {
      let left = deadline - clock.monotonic()
      guard left > 0 else {
        kill(pid, SIGKILL)
        throw Refusal(.timeout, "session \(id) did not start within \(Int(timeoutSeconds)) s")
      }
      var entry = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&entry, 1, CInt(clamping: Int(left * 1000) + 1)) > 0 else { continue }
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(end, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw Refusal(
          .unavailable, "the holder of session \(id) ended before it started (\(binary))",
          hint: "is LOOOP_BIN a looop binary that can be executed?")
      }
      text.append(contentsOf: buffer.prefix(count))
    }
    return try JSON(parsing: text)
  }
}
