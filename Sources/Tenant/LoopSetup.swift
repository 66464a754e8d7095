package import SystemPackage

/// One data dir and what its loop works with, as values: what a single beat, a beat for a fleet and the pulse have in common.
package struct LoopSetup {
  package let data: DataDir
  /// The children's environment: with `LOOOP_BIN`, `LOOOP_DATA_DIR` and the like.
  package let environment: HostEnvironment
  /// The `looop` binary: sessions are started with it.
  package let binary: FilePath
  package let clock: HostClock
  /// Whoever owns the output prints these.
  package var log: (Notice) -> Void

  package init(
    _ data: DataDir, environment: HostEnvironment, binary: FilePath, clock: HostClock,
    log: @escaping (Notice) -> Void = { _ in }
  ) {
    self.data = data
    self.environment = environment.forChildren(data, binary: binary)
    self.binary = binary
    self.clock = clock
    self.log = log
  }

  var configuration: RunnerConfig.Reading { RunnerConfig.read(data, environment) }

  /// One beat against the loop's own budget, and what that had to say.
  func beat(force: Bool) -> Beat.Result {
    var admission = StandaloneAdmission(
      data, config: configuration.value, environment: environment, clock: clock)
    let result = Beat(self).run(force: force, admission: &admission)
    warn(admission)
    return result
  }

  func warn(_ admission: StandaloneAdmission) {
    for warning in admission.warnings { log(Notice(.warn, "tick.guard_degraded", warning)) }
  }
}

extension HostEnvironment {
  /// What every child of a loop finds in its environment.
  package func forChildren(_ data: DataDir, binary: FilePath) -> HostEnvironment {
    var environment = self
    environment["LOOOP_BIN"] = binary.string
    environment["LOOOP_DATA_DIR"] = data.root.string
    environment["LOOOP_CONFIG"] = RunnerConfig.path(data, self).string
    environment["LOOOP_CLAIMS_DIR"] = data.claims.string
    environment["LOOOP_REPORTS_DIR"] = data.reports.string
    environment["LOOOP_LOG_FORMAT"] = self["LOOOP_LOG_FORMAT"] == "json" ? "json" : "human"
    return environment
  }
}
