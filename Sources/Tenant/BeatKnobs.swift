/// The numbers of one beat, from the environment: read once, so that a beat cannot change its mind in the middle.
package struct BeatKnobs: Hashable, Sendable {
  package var noopTTL: Int64
  package var maxDecidesPerHour: Int
  package var promptMaxBytes: Int
  package var tickTimeout: Double
  package var runnerRetries: Int
  package var runnerRetryMatch: String?
  package var runnerRetrySleep: Double
  package var runsKeep: Int
  package var shellTimeout: Int
  package var verifyTimeout: Double
  package var verifyBudget: Double
  package var workerStuck: Int64
  package var maxWorkers: Int
  /// `nil`: the configuration, then 300.
  package var maxNextInterval: Int64?
  package var eventsMaxBytes: Int
  /// Variables that could not be read, in words.
  package var warnings: [String]

  package init(_ environment: HostEnvironment) {
    var warnings: [String] = []
    func number(_ name: String, _ fallback: Int) -> Int {
      environment.number("LOOOP_" + name, warnings: &warnings) ?? fallback
    }
    noopTTL = Int64(number("NOOP_TTL", 21600))
    maxDecidesPerHour = number("MAX_DECIDES_PER_HOUR", 120)
    promptMaxBytes = number("PROMPT_MAX_BYTES", 262_144)
    tickTimeout = Double(number("TICK_TIMEOUT_SECS", 1800))
    runnerRetries = min(number("RUNNER_RETRIES", 0), 100)
    runnerRetrySleep = Double(number("RUNNER_RETRY_SLEEP", 3))
    runsKeep = number("RUNS_KEEP", 50)
    shellTimeout = number("SHELL_TIMEOUT_SECS", 300)
    verifyTimeout = Double(number("VERIFY_TIMEOUT_SECS", 60))
    verifyBudget = Double(number("VERIFY_BEAT_BUDGET_SECS", 120))
    workerStuck = Int64(number("WORKER_STUCK_SECS", 900))
    maxWorkers = number("MAX_WORKERS", 8)
    maxNextInterval = environment.number("LOOOP_MAX_NEXT_INTERVAL", warnings: &warnings).map { Int64($0) }
    eventsMaxBytes = number("EVENTS_MAX_BYTES", EventLog.defaultMaximumBytes)
    runnerRetryMatch = environment["LOOOP_RUNNER_RETRY_MATCH"]
    self.warnings = warnings
  }
}
