import Tenant

/// A move that a human makes by a verb: the same effects, records and journal line as a decided one.
enum ManualMove {
  @discardableResult
  static func carryOut(_ action: Action, journal: String?, _ context: Context) throws -> Executed {
    // The gate does not stand before a human's own verbs; the deny-list does, and it is the same for every tenant.
    let executor = Executor(
      data: context.data, environment: context.environment, clock: context.clock,
      rules: CommandRules(dataDirectory: context.data.root),
      workers: LoopWorkers(
        context.data, environment: context.environment, binary: context.binary, clock: context.clock))
    let executed = try executor.execute(Move(action, journal: journal), origin: .manual)
    for notice in executed.notices { context.printer.notice(notice) }
    return executed
  }
}
