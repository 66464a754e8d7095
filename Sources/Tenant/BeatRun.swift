import Glibc
package import SystemPackage

/// The two ways of running one single beat: alone (`looop _ beat`), or for a fleet, which is asked through the door.
package struct BeatRun {
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
    self.log = log
  }

  /// Takes the pulse's lock for the time of the beat, as every standalone loop does. Throws ``Refusal`` where somebody else runs
  /// this loop.
  package func alone(force: Bool) throws -> TenantReport.Beat {
    try Directory.create(data.lockDirectory)
    guard let lock = try FileLock.tryTaking(data.pulseLock) else { throw PulseLock.refusal(data) }
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    var admission = StandaloneAdmission(data, config: configuration, environment: environment, clock: clock)
    let beat = self.beat.run(force: force, admission: &admission).report
    for warning in admission.warnings { log(Notice(.warn, "tick.guard_degraded", warning)) }
    return beat
  }

  /// Speaks on the door's two descriptors and reports there; nothing else may be written to `output`. The lock is the fleet's.
  package func throughDoor(force: Bool, input: CInt = STDIN_FILENO, output: CInt = STDOUT_FILENO) {
    var admission = JointAdmission(
      own: StandaloneAdmission(data, config: configuration, environment: environment, clock: clock, onlyIfSet: true),
      door: DoorAdmission(input: input, output: output, clock: clock))
    let beat = self.beat.run(force: force, admission: &admission).report
    for warning in admission.own.warnings { log(Notice(.warn, "tick.guard_degraded", warning)) }
    admission.report(report(beat))
  }

  /// What `looop _ report --json` prints, with or without a beat.
  package func report(_ beat: TenantReport.Beat?) -> TenantReport {
    var problem: String?
    switch RunnerConfig.read(data, environment) {
    case .absent, .value: break
    case .unreadable(let reason), .corrupt(let reason): problem = reason
    }
    var builder = ReportBuilder(data, clock: clock, configurationProblem: problem)
    builder.stuckAfter = BeatKnobs(environment).workerStuck
    return builder.report(beat: beat)
  }

  private var beat: Beat { Beat(data, environment: environment, binary: binary, clock: clock, log: log) }

  private var configuration: RunnerConfig? {
    // A broken one is reported by the beat itself, which then starts nothing.
    if case .value(let config) = RunnerConfig.read(data, environment) { config } else { nil }
  }
}

/// Who holds the pulse's lock, in words.
enum PulseLock {
  static func refusal(_ data: DataDir) -> Refusal {
    if FileReading.of(data.fleetMark) != .absent {
      return Refusal(
        .conflict, "a fleet runs this loop", hint: "looop-fleet status shows it; it beats by itself")
    }
    let pid = FileReading.of(data.pulsePid, maximumBytes: 64).text?.trimmedSpace
    return Refusal(
      .conflict, "already running\(pid.map { " (pid \($0))" } ?? "")", hint: "looop down stops it")
  }
}
