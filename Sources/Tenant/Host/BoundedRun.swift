import CLinux
import Glibc

/// How a child ended.
package enum ExitReason: Hashable, Sendable {
  case code(Int32)
  case signal(Int32)
  /// The deadline passed and the whole group was killed.
  case timedOut
  case failedToStart(HostError)

  /// The shell's number for it: 124 for a deadline, 128+n for a signal, 127 where it never ran.
  package var shellCode: Int32 {
    switch self {
    case .code(let code): code
    case .signal(let number): 128 + number
    case .timedOut: 124
    case .failedToStart: 127
    }
  }

  package var succeeded: Bool { self == .code(0) }
}

/// What a bounded run left: its end, its first output bytes and its last error bytes.
package struct RunOutcome: Sendable {
  package var reason: ExitReason
  /// The first bytes of stdout, at most `keepOutput`.
  package var output: [UInt8] = []
  /// All bytes of stdout that there were, kept or not.
  package var outputCount = 0
  /// The last bytes of stderr, at most `keepErrors`.
  package var errors: [UInt8] = []
  /// How long it ran; time in which we were held still does not count.
  package var seconds = 0.0
}

/// Runs children with a deadline, bounded output and group kill, any number at once, on one thread and one `poll`.
package struct BoundedRun: Sendable {
  package var spawn: Spawn
  /// Fed to stdin, then closed. `nil` leaves `spawn.input` as it is.
  package var input: [UInt8]?
  /// Seconds of ``RunningTime``; 0 = none.
  package var deadline: Double
  package var keepOutput: Int
  package var keepErrors: Int
  /// stderr goes into stdout's stream.
  package var mergeErrors = false
  /// Kill what is left of the group after the leader ended.
  package var reapGroup = false
  /// Who says more on stdout than is kept is killed: to read on would only keep us busy. It shows as ended by SIGKILL, with an
  /// `outputCount` above `keepOutput`.
  package var endsAboveOutput = false
  /// Asked about once a second of a run with a deadline: killed, as by SIGKILL, once nobody wants it any more.
  package var isWanted: (@Sendable () -> Bool)?

  package init(_ spawn: Spawn, input: [UInt8]? = nil, deadline: Double, keepOutput: Int = 65536, keepErrors: Int = 4096)
  {
    self.spawn = spawn
    self.input = input
    self.deadline = deadline
    self.keepOutput = keepOutput
    self.keepErrors = keepErrors
  }

  /// Runs one; `onOutput` sees every chunk of stdout as it comes.
  package func run(onOutput: (([UInt8]) -> Void)? = nil) -> RunOutcome {
    Self.runAll([self], onOutput: onOutput.map { each in { _, bytes in each(bytes) } })[0]
  }

  package static func runAll(_ runs: [BoundedRun], onOutput: ((Int, [UInt8]) -> Void)? = nil) -> [RunOutcome] {
    let clock = HostClock.system
    var time = RunningTime(now: clock.monotonic())
    var live: [LiveChild] = []
    var outcomes = runs.map { _ in RunOutcome(reason: .code(0)) }
    // A child that does not read its stdin must not end us. Who runs these on many threads ignores the signal from its start, and
    // then this changes nothing; the disposition is the whole process's.
    let previous = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, previous) }
    for (index, run) in runs.enumerated() {
      do throws(HostError) {
        time.look(at: clock.monotonic())
        live.append(try LiveChild(index: index, run: run, now: time.seconds))
      } catch {
        outcomes[index].reason = .failedToStart(error)
      }
    }
    while !live.isEmpty {
      time.look(at: clock.monotonic())
      wait(for: live, now: time.seconds)
      time.look(at: clock.monotonic())
      for position in live.indices.reversed() {
        let child = live[position]
        child.move(&outcomes[child.index], onOutput)
        if child.finishIfEnded(&outcomes[child.index], now: time.seconds, onOutput) {
          live.remove(at: position)
        }
      }
    }
    return outcomes
  }

  private static func wait(for children: [LiveChild], now: Double) {
    var entries = children.flatMap(\.pollEntries)
    let next = children.compactMap(\.expiresAt).min()
    let milliseconds = next.map { CInt(Int((min(max(0, $0 - now), RunningTime.step) * 1000).rounded(.up))) } ?? -1
    _ = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
  }
}

/// One running child and our ends of its pipes.
private final class LiveChild {
  let index: Int
  let run: BoundedRun
  let pid: pid_t
  let startedAt: Double
  let expiresAt: Double?
  private let pidfd: CInt
  private var outputEnd: CInt = -1
  private var errorsEnd: CInt = -1
  private var inputEnd: CInt = -1
  private var inputLeft: ArraySlice<UInt8> = []
  private var killed = false
  /// Killed for another reason than its deadline.
  private var cut = false

  init(index: Int, run: BoundedRun, now: Double) throws(HostError) {
    self.index = index
    self.run = run
    var spawn = run.spawn
    let output = try Pipe()
    let errors = run.mergeErrors ? nil : try Pipe()
    let input = run.input == nil ? nil : try Pipe()
    spawn.output = .descriptor(output.writeEnd)
    spawn.errors = .descriptor(errors?.writeEnd ?? output.writeEnd)
    if let input { spawn.input = .descriptor(input.readEnd) }
    defer {
      close(output.writeEnd)
      if let errors { close(errors.writeEnd) }
      if let input { close(input.readEnd) }
    }
    do throws(HostError) {
      pid = try spawn.start()
    } catch {
      close(output.readEnd)
      if let errors { close(errors.readEnd) }
      if let input { close(input.writeEnd) }
      throw error
    }
    pidfd = clinux_pidfd_open(pid)
    startedAt = now
    expiresAt = run.deadline > 0 ? now + run.deadline : nil
    outputEnd = output.readEnd
    errorsEnd = errors?.readEnd ?? -1
    inputEnd = input?.writeEnd ?? -1
    inputLeft = (run.input ?? [])[...]
    for end in [outputEnd, errorsEnd, inputEnd] where end >= 0 { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  }

  deinit {
    for end in [outputEnd, errorsEnd, inputEnd, pidfd] where end >= 0 { close(end) }
  }

  var pollEntries: [pollfd] {
    [(outputEnd, POLLIN), (errorsEnd, POLLIN), (inputEnd, POLLOUT), (pidfd, POLLIN)].compactMap { fd, events in
      fd >= 0 ? pollfd(fd: fd, events: Int16(events), revents: 0) : nil
    }
  }

  func move(_ outcome: inout RunOutcome, _ onOutput: ((Int, [UInt8]) -> Void)?) {
    feed()
    while let chunk = take(&outputEnd) {
      outcome.outputCount += chunk.count
      let room = run.keepOutput - outcome.output.count
      if room > 0 { outcome.output.append(contentsOf: chunk.prefix(room)) }
      onOutput?(index, chunk)
    }
    while let chunk = take(&errorsEnd) {
      outcome.errors.append(contentsOf: chunk)
      if outcome.errors.count > run.keepErrors { outcome.errors.removeFirst(outcome.errors.count - run.keepErrors) }
    }
  }

  /// Whether the child is over, by itself or by the deadline; then the outcome is complete.
  func finishIfEnded(_ outcome: inout RunOutcome, now: Double, _ onOutput: ((Int, [UInt8]) -> Void)?) -> Bool {
    var status: CInt = 0
    let ended = unsafe clinux_try_wait(pid, &status)
    if ended == 0 {
      if !cut, run.endsAboveOutput && outcome.outputCount > run.keepOutput || run.isWanted?() == false {
        cut = true
        kill(-pid, SIGKILL)
      }
      // An exit that races the deadline wins: the deadline is only looked at while the child lives.
      if let expiresAt, now >= expiresAt, !killed {
        killed = true
        kill(-pid, SIGKILL)
      }
      return false
    }
    if run.reapGroup || killed || cut { kill(-pid, SIGKILL) }
    // A grandchild may keep the pipe open: take what is there, and wait for no more.
    move(&outcome, onOutput)
    outcome.seconds = now - startedAt
    if killed {
      outcome.reason = .timedOut
    } else if ended < 0 {
      // Somebody else has taken its status: how it ended is not known, and must not count as success.
      outcome.reason = .failedToStart(HostError("wait for", run.spawn.executable, errno: ECHILD))
    } else if clinux_exited(status) != 0 {
      outcome.reason = .code(clinux_exit_code(status))
    } else {
      outcome.reason = .signal(clinux_signal(status))
    }
    return true
  }

  private func feed() {
    while inputEnd >= 0 {
      let count = unsafe inputLeft.withUnsafeBytes { unsafe write(inputEnd, $0.baseAddress, $0.count) }
      if count > 0 { inputLeft = inputLeft.dropFirst(count) }
      if inputLeft.isEmpty || (count < 0 && errno != EAGAIN && errno != EINTR) {
        close(inputEnd)
        inputEnd = -1
      } else if count < 0, errno == EAGAIN {
        return
      }
    }
  }

  private func take(_ end: inout CInt) -> [UInt8]? {
    guard end >= 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 65536)
    var count: Int
    // What was written before the end must not be lost to a signal.
    repeat {
      count = unsafe buffer.withUnsafeMutableBytes { unsafe read(end, $0.baseAddress, $0.count) }
    } while count < 0 && errno == EINTR
    if count > 0 { return Array(buffer.prefix(count)) }
    if count == 0 || errno != EAGAIN {
      close(end)
      end = -1
    }
    return nil
  }
}

/// A pipe, close-on-exec on both ends.
package struct Pipe: Sendable {
  package let readEnd: CInt
  package let writeEnd: CInt

  package init() throws(HostError) {
    var ends: [CInt] = [-1, -1]
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw .last("make a pipe") }
    readEnd = ends[0]
    writeEnd = ends[1]
  }
}
