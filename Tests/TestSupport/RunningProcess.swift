import Glibc
package import SystemPackage
package import Tenant

/// A real program under test: its output goes to files, so no thread is needed to keep its pipes empty, and it can be looked
/// at while it runs. Its whole group is killed when the last reference goes.
package final class RunningProcess: Sendable {
  package let pid: Int32
  private let scratch: ScratchDirectory
  private let inputEnd: Locked<CInt>
  private let ended = Locked<ExitReason?>(nil)

  /// The child's environment is `PATH`, `HOME` and `LANG` of the caller plus `environment`, nothing else.
  package init(
    _ executable: FilePath, _ arguments: [String], environment: [String: String] = [:], directory: FilePath? = nil,
    newSession: Bool = true
  ) throws {
    scratch = try ScratchDirectory("p")
    let output = try OwnedDescriptor(
      opening: scratch.appending("out"), O_WRONLY | O_CREAT | O_APPEND, operation: "write")
    let errors = try OwnedDescriptor(
      opening: scratch.appending("err"), O_WRONLY | O_CREAT | O_APPEND, operation: "write")
    let input = try Pipe()
    var spawn = Spawn(
      executable, arguments, environment: Self.environment(environment), directory: directory)
    spawn.input = .descriptor(input.readEnd)
    spawn.output = .descriptor(output.raw)
    spawn.errors = .descriptor(errors.raw)
    spawn.newSession = newSession
    defer { close(input.readEnd) }
    do {
      pid = try spawn.start()
    } catch {
      close(input.writeEnd)
      throw error
    }
    inputEnd = Locked(input.writeEnd)
  }

  deinit {
    closeInput()
    if ended.withLock({ $0 }) == nil {
      kill(-pid, SIGKILL)
      _ = wait(within: 5)
    }
  }

  package static func environment(_ additions: [String: String]) -> HostEnvironment {
    let current = HostEnvironment.current()
    var values: [String: String] = [:]
    for name in ["PATH", "HOME", "LANG"] { values[name] = current[name] }
    return HostEnvironment(values.merging(additions) { _, new in new })
  }

  package var output: String { scratch.read("out") ?? "" }
  package var errors: String { scratch.read("err") ?? "" }

  package func write(_ text: String) {
    inputEnd.withLock { end in
      var bytes = Array(text.utf8)[...]
      // A child that does not read shows in what the test expects of it, not here.
      while end >= 0, !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { Glibc.write(end, $0.baseAddress, $0.count) }
        if count <= 0 { return }
        bytes = bytes.dropFirst(count)
      }
    }
  }

  package func closeInput() {
    inputEnd.withLock { end in
      if end >= 0 { close(end) }
      end = -1
    }
  }

  package func signal(_ number: Int32) { kill(pid, number) }

  package var isRunning: Bool { poll() == nil }

  /// `nil` where it still runs when the time is over.
  package func wait(within seconds: Double = 30) -> ExitReason? {
    _ = eventually(within: seconds, every: 2) { poll() != nil }
    return ended.withLock { $0 }
  }

  private func poll() -> ExitReason? {
    ended.withLock { ended in
      if ended != nil { return ended }
      var status: CInt = 0
      if waitpid(pid, &status, WNOHANG) == pid {
        // The low 7 bits hold the signal, 0 for an exit.
        ended = status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f)
      }
      return ended
    }
  }
}

/// What a program that ran to its end left.
package struct FinishedProcess: Sendable {
  package var reason: ExitReason
  package var output: String
  package var errors: String
  package var seconds: Double

  /// The shell's number: 128 + n for a signal, 124 where it did not end in time.
  package var exitCode: Int32 { reason.shellCode }
  package var json: JSON? { try? JSON(parsing: output) }
}

extension RunningProcess {
  /// Runs a program to its end; one that does not end in time is killed and says `timedOut`.
  package static func run(
    _ executable: FilePath, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
    directory: FilePath? = nil, within seconds: Double = 60
  ) throws -> FinishedProcess {
    let started = HostClock.system.monotonic()
    let process = try RunningProcess(executable, arguments, environment: environment, directory: directory)
    if let input { process.write(input) }
    process.closeInput()
    let reason = process.wait(within: seconds) ?? .timedOut
    return FinishedProcess(
      reason: reason, output: process.output, errors: process.errors,
      seconds: HostClock.system.monotonic() - started)
  }

  /// `bash -c SCRIPT`.
  package static func shell(
    _ script: String, environment: [String: String] = [:], directory: FilePath? = nil, within seconds: Double = 60
  ) throws -> FinishedProcess {
    try run("/bin/bash", ["-c", script], environment: environment, directory: directory, within: seconds)
  }
}
