import CLinux
import Glibc
import SystemPackage

/// The standalone loop: one beat, a nap, again. While it naps it costs nothing: it watches the files, so an edited goal, an
/// answer or a worker's end starts the next beat at once.
package struct Pulse {
  private var setup: LoopSetup
  private var data: DataDir { setup.data }

  package init(_ setup: LoopSetup) {
    self.setup = setup
    self.setup.log = Self.once(setup.log)
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
    try Seed.ensure(data, configuration: RunnerConfig.path(data, setup.environment), now: setup.clock.now)
    let config = try RunnerConfig.load(data, setup.environment)
    try Directory.create(data.lockDirectory)
    guard let lock = try FileLock.tryTaking(data.pulseLock) else { throw PulseLock.refusal(data) }
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    let signals = try StopSignals()
    writePid()
    setup.log(
      Notice(.info, "pulse.start", "pulse started on \(data.root)", fields: ["data_dir": .string(data.root.string)]))
    var nap = PulseNap(data, clock: setup.clock, log: setup.log)
    var seconds = interval(fallback: config.interval)
    var isFirst = true
    while !signals.arrived {
      seconds = interval(fallback: seconds)
      let result = beat(force: isFirst)
      isFirst = false
      let length = result.nap.map(Double.init) ?? seconds
      if signals.arrived { break }
      setup.log(Notice(.info, "sleep", "next beat in \(Self.text(length)) s", fields: ["seconds": .double(length)]))
      nap.sleep(seconds: length, after: result, signals: signals)
    }
    AtomicFile.remove(data.pulsePid)
    setup.log(Notice(.info, "pulse.stop", "pulse stopped"))
  }

  private func beat(force: Bool) -> Beat.Result {
    let result = setup.beat(force: force)
    if result.report.outcome == .unchanged { setup.log(Notice(.info, "tick.skip", "the world is unchanged")) }
    return result
  }

  /// Environment, then configuration, then a minute; a broken configuration keeps what was. Under a second is a second.
  private func interval(fallback: Double?) -> Double {
    var wanted = fallback ?? 60
    if let config = setup.configuration.value { wanted = config.interval ?? 60 }
    if let text = setup.environment["LOOOP_INTERVAL"] {
      if let number = Double(text.trimmedSpace), number.isFinite {
        wanted = number
      } else {
        setup.log(Notice(.warn, "env.invalid", "LOOOP_INTERVAL=\(text) is not a number; it is left out"))
      }
    }
    if wanted < 1 { setup.log(Notice(.warn, "cadence", "an interval of \(wanted) s is too short: 1 s")) }
    return max(1, min(wanted, 86400 * 365))
  }

  private func writePid() {
    // For people only: the lock says who runs.
    do throws(HostError) {
      try AtomicFile.write("\(getpid())\n", to: data.pulsePid)
    } catch {
      setup.log(Notice(.warn, "pulse.guard_degraded", "\(error)"))
    }
  }

  private static func text(_ seconds: Double) -> String {
    seconds == seconds.rounded() ? String(Int(seconds)) : String(seconds)
  }
}
