import CLinux
import Glibc
import Tenant

/// One beat: a process of the tenant that speaks newline-delimited JSON with the supervisor over its stdin and stdout
/// ("the door"). It asks there before a runner starts, settles there what the runner used, and reports last.
///
/// It lives on a thread of its own, which only moves bytes: every line becomes an ``Event``, and who answers it uses ``Reply``.
struct BeatProcess: Sendable {
  /// Without a grant: sensors and verifies have their own bounds below this.
  static let senseDeadline = 300.0
  /// A granted decide: the runner's own deadline (1,800 s) and the move's come first.
  static let decideDeadline = 2700.0
  static let maximumLine = 16 << 20
  /// A beat says a few short lines and one report. One that says more than this in all is talking nonsense.
  static let maximumOutput = 64 << 20
  static let maximumLines = 1000

  struct Ending: Sendable {
    var report: TenantReport?
    /// Why there is no report, in words.
    var failure: String?
    var milliseconds: Double
  }

  /// The beat's stdin. Answers are short; a beat that does not read them is ended by its deadline.
  final class Reply: Sendable {
    private let descriptor: Locked<CInt>
    private let granted = Locked(false)
    fileprivate init(_ raw: CInt) { descriptor = Locked(raw) }
    deinit { close() }

    func send(_ line: JSON) {
      if line["granted"]?.bool == true { granted.withLock { $0 = true } }
      let bytes = Array((line.compact + "\n").utf8)
      descriptor.withLock { raw in
        guard raw >= 0 else { return }
        _ = unsafe bytes.withUnsafeBytes { unsafe write(raw, $0.baseAddress, $0.count) }
      }
    }

    fileprivate var isGranted: Bool { granted.withLock { $0 } }

    fileprivate func close() {
      descriptor.withLock { raw in
        if raw >= 0 { Glibc.close(raw) }
        raw = -1
      }
    }
  }

  enum Event: Sendable {
    case started(ProcessIdentity?)
    case line(JSON, Reply)
  }

  /// Whether the beat is held still: that time does not count.
  final class Pause: Sendable {
    private let value = Locked(false)
    func set(_ paused: Bool) { value.withLock { $0 = paused } }
    fileprivate var isSet: Bool { value.withLock { $0 } }
  }

  var spawn: Spawn
  var pause = Pause()

  /// `news` is finished when the beat has ended.
  func run(_ news: AsyncStream<Event>.Continuation) async -> Ending {
    await Threads.run { [self] in
      defer { news.finish() }
      let clock = HostClock.system
      let begin = clock.monotonic()
      var ending: Ending
      do throws(HostError) {
        ending = try converse(news)
      } catch {
        ending = Ending(report: nil, failure: error.description, milliseconds: 0)
      }
      ending.milliseconds = (clock.monotonic() - begin) * 1000
      return ending
    }
  }

  private func converse(_ news: AsyncStream<Event>.Continuation) throws(HostError) -> Ending {
    let input = try Pipe()
    let output = try Pipe()
    let errors = try Pipe()
    var spawn = spawn
    spawn.input = .descriptor(input.readEnd)
    spawn.output = .descriptor(output.writeEnd)
    spawn.errors = .descriptor(errors.writeEnd)
    spawn.newSession = true
    let reply = Reply(input.writeEnd)
    defer {
      reply.close()
      close(output.readEnd)
      close(errors.readEnd)
    }
    let pid: pid_t
    do {
      defer {
        close(input.readEnd)
        close(output.writeEnd)
        close(errors.writeEnd)
      }
      pid = try spawn.start()
    }
    for end in [output.readEnd, errors.readEnd, input.writeEnd] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    news.yield(.started(ProcessIdentity.of(pid)))
    var conversation = Conversation(
      pid: pid, output: output.readEnd, errors: errors.readEnd, reply: reply, pause: pause)
    return conversation.run { news.yield(.line($0, $1)) }
  }
}

/// The loop over one beat's pipes, until the process has ended.
private struct Conversation {
  let pid: pid_t
  let output: CInt
  let errors: CInt
  let reply: BeatProcess.Reply
  let pause: BeatProcess.Pause
  private let clock = HostClock.system
  private var line: [UInt8] = []
  private var heardBytes = 0
  private var heardLines = 0
  private var said: [UInt8] = []
  private var report: TenantReport?
  private var nonsense: String?
  private var overdue = false
  private var openOutput = true
  private var openErrors = true

  init(pid: pid_t, output: CInt, errors: CInt, reply: BeatProcess.Reply, pause: BeatProcess.Pause) {
    self.pid = pid
    self.output = output
    self.errors = errors
    self.reply = reply
    self.pause = pause
  }

  mutating func run(onLine: (JSON, BeatProcess.Reply) -> Void) -> BeatProcess.Ending {
    var looked = clock.monotonic()
    var spent = 0.0
    let pidfd = clinux_pidfd_open(pid)
    defer { if pidfd >= 0 { close(pidfd) } }
    while true {
      var entries = [pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)]
      if openOutput { entries.append(pollfd(fd: output, events: Int16(POLLIN), revents: 0)) }
      if openErrors { entries.append(pollfd(fd: errors, events: Int16(POLLIN), revents: 0)) }
      _ = unsafe poll(&entries, nfds_t(entries.count), 1000)
      drain(onLine)
      var status: CInt = 0
      if unsafe clinux_try_wait(pid, &status) != 0 {
        drain(onLine)
        return ending(status)
      }
      let deadline = reply.isGranted ? BeatProcess.decideDeadline : BeatProcess.senseDeadline
      let now = clock.monotonic()
      if !pause.isSet { spent += now - looked }
      looked = now
      if spent > deadline || nonsense != nil {
        if nonsense == nil { overdue = true }
        SessionProcesses.killAll(session: pid)
      }
    }
  }

  private mutating func drain(_ onLine: (JSON, BeatProcess.Reply) -> Void) {
    // What comes after nonsense is not looked at, and no flood keeps the deadline from being seen.
    var reads = 0
    while openOutput, nonsense == nil, reads < Self.readsAtOnce, let chunk = take(output, &openOutput) {
      reads += 1
      heardBytes += chunk.count
      if heardBytes > BeatProcess.maximumOutput {
        nonsense = "its beat printed more than \(BeatProcess.maximumOutput >> 20) MiB"
      }
      line.append(contentsOf: chunk)
      while let newline = line.firstIndex(of: 0x0A) {
        hear(Array(line[..<newline]), onLine)
        line.removeFirst(newline + 1)
      }
      if line.count > BeatProcess.maximumLine { nonsense = "its beat printed a line without an end" }
    }
    reads = 0
    while openErrors, reads < Self.readsAtOnce, let chunk = take(errors, &openErrors) {
      reads += 1
      said = (said + chunk).suffix(2048)
    }
  }

  private static let readsAtOnce = 64

  private mutating func hear(_ bytes: [UInt8], _ onLine: (JSON, BeatProcess.Reply) -> Void) {
    guard nonsense == nil, !bytes.isEmpty else { return }
    heardLines += 1
    guard heardLines <= BeatProcess.maximumLines else {
      nonsense = "its beat printed more than \(BeatProcess.maximumLines) lines"
      return
    }
    do throws(JSONError) {
      let message = try JSON(parsing: bytes)
      if message["op"]?.string == "report", let document = message["report"] {
        report = TenantReport(json: document)
        if report == nil { nonsense = "its beat's report has an unknown shape" }
      } else {
        onLine(message, reply)
      }
    } catch {
      nonsense = "its beat printed what is not JSON: \(error)"
    }
  }

  private func take(_ end: CInt, _ open: inout Bool) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(end, $0.baseAddress, $0.count) }
    if count > 0 { return Array(buffer.prefix(count)) }
    if count == 0 || (errno != EAGAIN && errno != EINTR) { open = false }
    return nil
  }

  private func ending(_ status: CInt) -> BeatProcess.Ending {
    let tail = HelperRun.lastLine(said)
    let failure: String?
    if overdue {
      failure = "its beat took too long and was killed\(tail)"
    } else if let nonsense {
      failure = nonsense
    } else if clinux_exited(status) != 0 {
      let code = clinux_exit_code(status)
      failure =
        code == 0 && report != nil ? nil : tail.isEmpty ? "its beat ended with code \(code)" : String(tail.dropFirst(2))
    } else {
      failure = "its beat was ended by signal \(clinux_signal(status))\(tail)"
    }
    return BeatProcess.Ending(report: report, failure: failure, milliseconds: 0)
  }
}
