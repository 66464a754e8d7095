import CLinux
import Glibc
package import SystemPackage

/// The standalone loop: one beat, a nap, again. While it naps it costs nothing: it watches the files, so an edited goal, an
/// answer or a worker's end starts the next beat at once.
package struct Pulse {
  package let data: DataDir
  package let environment: HostEnvironment
  package let binary: FilePath
  package let clock: HostClock
  package let log: (Notice) -> Void

  package init(
    _ data: DataDir, environment: HostEnvironment, binary: FilePath, clock: HostClock = .system,
    log: @escaping (Notice) -> Void
  ) {
    self.data = data
    self.environment = environment
    self.binary = binary
    self.clock = clock
    self.log = Self.once(log)
  }

  /// A variable that cannot be read is worth one warning a process, not one a beat.
  private static func once(_ log: @escaping (Notice) -> Void) -> (Notice) -> Void {
    let said = Locked<Set<String>>([])
    return { notice in
      guard notice.code == "env.invalid" || notice.code == "cadence" else { return log(notice) }
      if said.withLock({ $0.insert(notice.message).inserted }) { log(notice) }
    }
  }

  /// Runs until SIGTERM or SIGINT; a beat that is under way is finished first. Throws where it cannot start: no data dir, a broken
  /// configuration, or somebody else running this loop.
  package func run() throws {
    try Seed.ensure(data, configuration: RunnerConfig.path(data, environment), now: clock.now)
    let config = try RunnerConfig.load(data, environment)
    try Directory.create(data.lockDirectory)
    guard let lock = try FileLock.tryTaking(data.pulseLock) else { throw PulseLock.refusal(data) }
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    let signals = try StopSignals()
    writePid()
    log(Notice(.info, "pulse.start", "pulse started on \(data.root)", fields: ["data_dir": .string(data.root.string)]))
    var nap = PulseNap(data, clock: clock, log: log)
    var seconds = interval(fallback: config.interval)
    var isFirst = true
    while !signals.arrived {
      seconds = interval(fallback: seconds)
      let result = beat(force: isFirst)
      isFirst = false
      let length = result.nap.map(Double.init) ?? seconds
      if signals.arrived { break }
      log(Notice(.info, "sleep", "next beat in \(Self.text(length)) s", fields: ["seconds": .double(length)]))
      nap.sleep(seconds: length, after: result, signals: signals)
    }
    AtomicFile.remove(data.pulsePid)
    log(Notice(.info, "pulse.stop", "pulse stopped"))
  }

  private func beat(force: Bool) -> Beat.Result {
    var config: RunnerConfig?
    if case .value(let value) = RunnerConfig.read(data, environment) { config = value }
    var admission = StandaloneAdmission(data, config: config, environment: environment, clock: clock)
    let result = Beat(data, environment: environment, binary: binary, clock: clock, log: log)
      .run(force: force, admission: &admission)
    for warning in admission.warnings { log(Notice(.warn, "tick.guard_degraded", warning)) }
    if result.report.outcome == .unchanged { log(Notice(.info, "tick.skip", "the world is unchanged")) }
    return result
  }

  /// Environment, then configuration, then a minute; a broken configuration keeps what was. Under a second is a second.
  private func interval(fallback: Double?) -> Double {
    var wanted = fallback ?? 60
    if case .value(let config) = RunnerConfig.read(data, environment) { wanted = config.interval ?? 60 }
    if let text = environment["LOOOP_INTERVAL"] {
      if let number = Double(text.trimmedSpace), number.isFinite {
        wanted = number
      } else {
        log(Notice(.warn, "env.invalid", "LOOOP_INTERVAL=\(text) is not a number; it is left out"))
      }
    }
    if wanted < 1 { log(Notice(.warn, "cadence", "an interval of \(wanted) s is too short: 1 s")) }
    return max(1, min(wanted, 86400 * 365))
  }

  private func writePid() {
    // For people only: the lock says who runs.
    do throws(HostError) {
      try AtomicFile.write("\(getpid())\n", to: data.pulsePid)
    } catch {
      log(Notice(.warn, "pulse.guard_degraded", "\(error)"))
    }
  }

  private static func text(_ seconds: Double) -> String {
    seconds == seconds.rounded() ? String(Int(seconds)) : String(seconds)
  }
}

/// SIGTERM and SIGINT as a descriptor to wait on: they end a nap at once and never cut a beat in half. Children start without this
/// mask.
struct StopSignals: ~Copyable {
  let descriptor: OwnedDescriptor
  private let previous: sigset_t

  init() throws(HostError) {
    var mask = sigset_t()
    var old = sigset_t()
    unsafe sigemptyset(&mask)
    unsafe sigaddset(&mask, SIGTERM)
    unsafe sigaddset(&mask, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &mask, &old)
    previous = old
    let raw = unsafe signalfd(-1, &mask, CInt(O_CLOEXEC | O_NONBLOCK))
    guard raw >= 0 else {
      let error = HostError.last("watch signals")
      unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
      throw error
    }
    descriptor = OwnedDescriptor(owning: raw)
  }

  deinit {
    var old = previous
    unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
  }

  /// It stays true: nobody takes the signal away.
  var arrived: Bool {
    var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
  }
}
