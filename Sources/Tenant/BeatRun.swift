import Glibc
import SystemPackage

/// The two ways of running one single beat: alone (`looop _ beat`), or for a fleet, which is asked through the door.
package struct BeatRun {
  private let setup: LoopSetup
  private var data: DataDir { setup.data }

  package init(_ setup: LoopSetup) { self.setup = setup }

  /// Takes the pulse's lock for the time of the beat, as every standalone loop does. Throws ``Refusal`` where somebody else runs
  /// this loop.
  package func alone(force: Bool) throws -> TenantReport.Beat {
    try Directory.create(data.lockDirectory)
    guard let lock = try FileLock.tryTaking(data.pulseLock) else { throw PulseLock.refusal(data) }
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    return setup.beat(force: force).report
  }

  /// Speaks on the door's two descriptors and reports there; nothing else may be written to `output`. The lock is the fleet's.
  package func throughDoor(force: Bool, input: CInt = STDIN_FILENO, output: CInt = STDOUT_FILENO) {
    var admission = JointAdmission(
      own: StandaloneAdmission(
        data, config: setup.configuration.value, environment: setup.environment, clock: setup.clock, isInFleet: true),
      door: DoorAdmission(input: input, output: output, clock: setup.clock))
    let beat = Beat(setup).run(force: force, admission: &admission).report
    setup.warn(admission.own)
    admission.report(report(beat))
  }

  /// What `looop _ report --json` prints, with or without a beat.
  package func report(_ beat: TenantReport.Beat?) -> TenantReport {
    var problem: String?
    switch setup.configuration {
    case .absent, .value: break
    case .unreadable(let reason), .corrupt(let reason): problem = reason
    }
    var builder = ReportBuilder(data, clock: setup.clock, configurationProblem: problem)
    builder.stuckAfter = BeatKnobs(setup.environment).workerStuck
    return builder.report(beat: beat)
  }
}
