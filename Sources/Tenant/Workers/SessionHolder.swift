import CLinux
import Glibc
import SystemPackage

/// The process that holds one session: a terminal of 80x24 with the worker on it, a log of what it prints, a socket to ask,
/// and the duty that nothing of the worker outlives it. `looop run --detached-id ID --root DATA [options] -- CMD…`.
///
/// One thread, one `poll`, no growth: the log is capped and rotated, requests are bounded, and the terminal emulation that
/// makes a rotated log replayable is one screen. It runs for days, beside hundreds of its kind.
package struct SessionHolder: ~Copyable {
  private let options: SessionOptions
  private let directory: SessionDirectory
  private let clock = HostClock.system
  private var worker: HeldProcess
  private var log: SessionLog
  private var sockets: SessionSockets
  private var ending: Ending?
  private var memory = SessionMemory()
  private let startedAt: Double
  private var lastOutputAt: Double

  /// A worker gets this long between SIGHUP and SIGKILL.
  static let grace = 1.0
  /// What does not die of SIGKILL within this time hangs in the kernel: we say so and go.
  static let patience = 10.0

  /// The end of the session, once it has begun: by itself, or because somebody asked.
  private struct Ending {
    var killed: Bool
    var killAt: Double
    var giveUpAt: Double
    var exitCode: Int32?
  }

  /// Holds a session from the start to its end; the process exits with the result.
  package static func run(_ arguments: [String], environment: HostEnvironment) -> CInt {
    let options: SessionOptions
    do {
      options = try SessionOptions(arguments)
    } catch {
      return Self.report(["ok": false, "error": .string("\(error)")], 1)
    }
    do {
      var holder = try start(options, environment: environment)
      // The starter waits for this line, and for our end of its pipe to close.
      if options.report { _ = Self.report(["ok": true, "pid": .int(Int64(getpid()))], 0) }
      ProgramPages.giveBack()
      return holder.hold()
    } catch let refusal as Refusal {
      return Self.report(["ok": false, "error": .string(refusal.cause), "code": .string(refusal.code.rawValue)], 1)
    } catch {
      return Self.report(["ok": false, "error": .string("\(error)")], 1)
    }
  }

  private static func report(_ answer: JSON, _ status: CInt) -> CInt {
    let line = Array((answer.compact + "\n").utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
    let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    if null >= 0 {
      dup2(null, 1)
      if null > 2 { close(null) }
    }
    return status
  }

  private init(
    _ options: SessionOptions, _ directory: SessionDirectory, _ worker: consuming HeldProcess,
    _ log: consuming SessionLog, _ sockets: consuming SessionSockets
  ) {
    self.options = options
    self.directory = directory
    self.worker = worker
    self.log = log
    self.sockets = sockets
    startedAt = clock.monotonic()
    lastOutputAt = startedAt
  }

  private static func start(_ options: SessionOptions, environment: HostEnvironment) throws -> SessionHolder {
    signal(SIGPIPE, SIG_IGN)
    _ = unsafe clinux_set_name("looop-session")
    // Orphans of the worker become our children, so that none escapes the end.
    clinux_child_subreaper(1)
    var variables = environment
    variables["BABYSIT_SESSION_ID"] = options.id
    if variables["TERM"] == nil { variables["TERM"] = "xterm-256color" }
    let staged = try SessionDirectory.stage(options)
    do {
      // The socket moves with its directory.
      let sockets = try SessionSockets(staged.path.appending("control.sock"))
      let log = try SessionLog(staged.path.appending("output.log"), rows: options.rows, columns: options.columns)
      let directory = try staged.publish()
      do {
        let worker = try HeldProcess(options, environment: variables)
        directory.writeStatus(.running, child: worker.pid, exitCode: nil, clock: HostClock.system)
        return SessionHolder(
          options, directory, worker, log.moved(to: directory.path.appending("output.log")), sockets)
      } catch {
        // It was never a session: the id stays free.
        directory.discard()
        throw error
      }
    } catch {
      staged.discard()
      throw error
    }
  }

  // MARK: The loop

  private mutating func hold() -> CInt {
    while true {
      wait()
      drainOutput(maximumReads: 64)
      worker.drainSignals()
      collect()
      answer()
      if worker.stopRequested { beginEnding(killed: true) }
      enforceTimeouts()
      if advanceEnding() { break }
      memory.trimIfDue(now: clock.monotonic())
    }
    drainOutput(maximumReads: 4096)
    let killed = ending?.killed ?? true
    let code = killed ? nil : ending?.exitCode
    directory.writeStatus(code == nil ? .killed : .exited, child: worker.pid, exitCode: code, clock: clock)
    sockets.finish()
    directory.removeSocket()
    return 0
  }

  private mutating func wait() {
    var entries = [pollfd(fd: worker.signals, events: Int16(POLLIN), revents: 0)]
    let isSilent = worker.isSilent(now: clock.monotonic())
    if !isSilent, worker.output >= 0 {
      let wantsInput = log.hasReplies ? Int16(POLLIN) | Int16(POLLOUT) : Int16(POLLIN)
      entries.append(pollfd(fd: worker.output, events: wantsInput, revents: 0))
    }
    sockets.appendPollEntries(&entries)
    let ready = unsafe poll(&entries, nfds_t(entries.count), pauseMilliseconds(isSilent: isSilent))
    if ready > 0 { memory.used(now: clock.monotonic()) }
  }

  private func pauseMilliseconds(isSilent: Bool) -> CInt {
    let now = clock.monotonic()
    var next: [Double] = []
    if let ending { next.append(now >= ending.killAt ? now + 0.02 : min(ending.killAt, now + 0.05)) }
    if isSilent { next.append(now + 1) }
    if options.timeout > 0 { next.append(startedAt + options.timeout) }
    if options.idleTimeout > 0 { next.append(lastOutputAt + options.idleTimeout) }
    if let socket = sockets.nextDeadline { next.append(socket) }
    if let trim = memory.due { next.append(trim) }
    guard let first = next.min() else { return -1 }
    return CInt(clamping: Int(max(0, (first - now) * 1000).rounded(.up)))
  }

  private mutating func drainOutput(maximumReads: Int) {
    for _ in 0..<maximumReads {
      guard let count = worker.read(into: &log, now: clock.monotonic()), count > 0 else { break }
      lastOutputAt = clock.monotonic()
    }
    if let replies = log.takeReplies() { log.giveBack(worker.write(replies)) }
  }

  /// Reaps everything that ended; remembers how the worker itself did.
  private mutating func collect() {
    while let ended = worker.reap() {
      guard ended.pid == worker.pid else { continue }
      beginEnding(killed: false)
      if clinux_exited(ended.status) != 0 {
        ending?.exitCode = clinux_exit_code(ended.status)
      } else {
        ending?.killed = true
      }
    }
  }

  private mutating func enforceTimeouts() {
    let now = clock.monotonic()
    if options.timeout > 0, now - startedAt >= options.timeout { beginEnding(killed: true) }
    if options.idleTimeout > 0, now - lastOutputAt >= options.idleTimeout { beginEnding(killed: true) }
  }

  // MARK: The end

  private mutating func beginEnding(killed: Bool) {
    guard ending == nil else { return }
    let now = clock.monotonic()
    ending = Ending(killed: killed, killAt: now + Self.grace, giveUpAt: now + Self.patience)
    worker.hangUp()
  }

  /// `true` when nothing of the worker is left (or nothing more can be done).
  private mutating func advanceEnding() -> Bool {
    guard let ending else { return false }
    let now = clock.monotonic()
    let left = worker.remains()
    if left.isEmpty, worker.hasEnded { return true }
    if now >= ending.killAt { for pid in left { kill(pid, SIGKILL) } }
    return now >= ending.giveUpAt
  }

  // MARK: Requests

  private mutating func answer() {
    let requests = sockets.takeRequests(now: clock.monotonic())
    for request in requests {
      switch request.op {
      case "kill":
        beginEnding(killed: true)
        // Whoever asks to kill what is ending by itself still waits for the end.
        sockets.answerAtEnd(request.client)
      case "status": sockets.answer(request.client, ["ok": true, "data": directory.status(options)])
      case "log":
        let text = log.tail(maximumBytes: 65536)
        sockets.answer(request.client, ["ok": true, "data": ["log": .string(text)]])
      case "screenshot":
        let format = ScreenshotFormat(rawValue: request.fields["format"]?.string ?? "plain") ?? .plain
        let trim = request.fields["trim"]?.bool ?? true
        let data: JSON =
          format == .json
          ? log.terminal.screenshotJSON() : ["screen": .string(log.terminal.screenshot(format, trim: trim))]
        sockets.answer(request.client, ["ok": true, "data": data])
      default: sockets.answer(request.client, ["ok": false, "error": .string("unknown op \(request.op)")])
      }
    }
  }
}
