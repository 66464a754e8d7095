import SystemPackage
import Tenant

/// The launcher of workers as this machine and this configuration say: for what the fleet calls.
enum WorkersHere {
  static func launcher(_ context: Context) -> WorkerLaunch {
    let (data, environment) = (context.data, context.environment)
    let knobs = BeatKnobs(environment)
    var launch = WorkerLaunch(data, environment: environment, binary: context.binary, clock: context.clock) {
      try RunnerConfig.load(data, environment).workerCommand
    }
    launch.maximumWorkers = knobs.maxWorkers
    launch.retries = CommandTemplate.Retries(
      count: knobs.runnerRetries, match: knobs.runnerRetryMatch ?? "", sleepSeconds: Int(knobs.runnerRetrySleep))
    return launch
  }
}
