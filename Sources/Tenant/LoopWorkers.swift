package import SystemPackage

/// The loop's own hand on workers, for the executor: wishes and kills by the workers' rules and the configured command.
package struct LoopWorkers: WorkerControl {
  private let launch: WorkerLaunch
  private let clock: HostClock

  package init(
    _ data: DataDir, environment: HostEnvironment, binary: FilePath, clock: HostClock, knobs: BeatKnobs? = nil
  ) {
    let knobs = knobs ?? BeatKnobs(environment)
    var launch = WorkerLaunch(data, environment: environment, binary: binary, clock: clock) {
      try RunnerConfig.load(data, environment).workerCommand
    }
    launch.maximumWorkers = knobs.maxWorkers
    launch.retries = CommandTemplate.Retries(
      count: knobs.runnerRetries, match: knobs.runnerRetryMatch ?? "", sleepSeconds: Int(knobs.runnerRetrySleep))
    self.launch = launch
    self.clock = clock
  }

  package func start(_ wish: WorkerWish) throws -> String? {
    let record = try launch.start(wish)
    return record.phase == .pending ? "pending: the fleet starts it" : nil
  }

  package func kill(_ id: String) throws { try WorkerKill(launch.data).kill(id, now: clock.now) }
}
