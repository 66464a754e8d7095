import ArgumentParser
import Tenant

/// `cost`: what the decisions cost, by day.
struct CostVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "cost", abstract: "What was spent, by day.",
    discussion:
      "From cost.jsonl. What a runner did not report is its tokens by the price list, or an upper bound; both are named."
  )

  @Option(help: "Only the last so many days with charges.") var days: Int?
  @Flag(help: "One JSON object.") var json = false

  func validate() throws {
    if let days, days < 1 { throw ValidationError("--days must be at least 1") }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    let report = try CostReport.read(context.data).last(days)
    if json { context.printer.json(report.json) } else { context.printer.line(report.table) }
    return ExitStatus.done
  }
}

/// `limits`: what holds the loop back today, and what is left.
struct LimitsVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "limits", abstract: "Today's limits and what is left of them.")

  @Flag(help: "One JSON object.") var json = false

  mutating func perform(in context: Context) throws -> Int32 {
    let config: RunnerConfig? =
      switch RunnerConfig.read(context.config) {
      case .value(let config): config
      case .absent: nil
      case .unreadable(let reason), .corrupt(let reason): throw Failure(reason)
      }
    let fleet = FleetLimits.ask(context)
    let money = StandaloneAdmission(
      context.data, config: config, environment: context.environment, clock: context.clock,
      isInFleet: fleet != nil
    ).limits()
    let live = try Sessions.list(context.data).count { $0.isAlive && !$0.isPulse }
    let workers = context.number("LOOOP_MAX_WORKERS") ?? 8
    let decides = context.number("LOOOP_MAX_DECIDES_PER_HOUR") ?? 120
    let used = DecideLedger.read(context.data).ledger.recent(context.clock.now).count
    if json {
      context.printer.json([
        "usd": money?["usd"] ?? .null, "resets_at": money?["resets_at"] ?? .null,
        "workers": ["live": .int(Int64(live)), "max": .int(Int64(workers))],
        "decides_last_hour": ["used": .int(Int64(used)), "max": .int(Int64(decides))], "fleet": fleet?.json ?? .null,
      ])
      return ExitStatus.done
    }
    var table = TextTable([], right: [])
    if let usd = money?["usd"], let spent = usd["spent"]?.double, let cap = usd["cap"]?.double {
      let resets = money?["resets_at"]?.int.map { " · resets \(LocalTime($0).date) \(LocalTime($0).clock)" } ?? ""
      table.rows.append(
        ["money", "$\(Money.text(Money.microUSD(spent))) of $\(Money.text(Money.microUSD(cap)))\(resets)"])
    } else {
      table.rows.append(["money", "no limit"])
    }
    if let fleet { table.rows += fleet.rows }
    table.rows.append(["workers", "\(live) of \(workers == 0 ? "any number" : String(workers))"])
    table.rows.append(["decides", "\(used) of \(decides == 0 ? "any number" : String(decides)) in the last hour"])
    context.printer.line(table.lines(columns: context.printer.width).joined(separator: "\n"))
    return ExitStatus.done
  }
}

extension CostReport {
  /// The newest days only.
  func last(_ count: Int?) -> CostReport {
    guard let count, days.count > count else { return self }
    return CostReport(days: Array(days.suffix(count)))
  }
}
