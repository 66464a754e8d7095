import Tenant

/// The data dir's first files, made by the verbs that may come first.
enum Seeding {
  /// For verbs that cannot work without the data dir.
  static func strict(_ context: Context) throws {
    try Seed.ensure(context.data, configuration: context.config, now: context.clock.now)
  }

  /// For verbs that only look: a data dir that cannot be written is a warning.
  static func tolerant(_ context: Context) {
    do {
      try strict(context)
    } catch {
      context.printer.warn("seed_degraded", "the data dir is not complete: \(error)")
      EventLog(context.data, clock: context.clock).append("seed_degraded", ["error": .string("\(error)")])
    }
  }
}
