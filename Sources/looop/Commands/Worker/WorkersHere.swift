import SystemPackage
import Tenant

/// Starts and ends workers as this machine and this configuration say.
struct WorkersHere: WorkerControl {
  let context: Context

  static func launcher(_ context: Context) -> WorkerLaunch {
    let config = context.config
    var launch = WorkerLaunch(
      context.data, environment: context.environment, binary: context.binary, clock: context.clock,
      workerCommand: {
        switch RunnerConfig.read(config) {
        case .absent: return Preset.claude.workerCommand
        case .value(let config): return config.workerCommand
        case .unreadable(let reason), .corrupt(let reason): throw ConfigError(reason: reason)
        }
      })
    launch.maximumWorkers = context.number("LOOOP_MAX_WORKERS") ?? launch.maximumWorkers
    return launch
  }

  func start(_ wish: WorkerWish) throws -> String? {
    let record = try Self.launcher(context).start(wish)
    return record.phase == .pending ? "pending: the fleet starts it" : nil
  }

  func kill(_ id: String) throws { try WorkerKill(context.data).kill(id, now: context.clock.now) }
}
