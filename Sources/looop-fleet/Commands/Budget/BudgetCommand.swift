import ArgumentParser
import Fleet
import Tenant

struct BudgetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "budget", abstract: "What was spent and what is left; raise today's cap.",
    subcommands: [BudgetShow.self, BudgetRaise.self], defaultSubcommand: BudgetShow.self)
}

struct BudgetShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "What was spent and what is left.")

  @Argument(help: "One tenant; all of them without it.") var name: String?
  @Option(help: "How many days, today included.") var days = 1
  @Flag(help: "As JSON.") var json = false
  @Flag(help: "As comma-separated values, one row for each day, goal, worker, model and source.") var csv = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...366).contains(days) else { throw ValidationError("--days takes 1 to 366") }
    if json, csv { throw ValidationError("--json and --csv exclude each other") }
  }

  func run() async throws {
    var query = [("days", String(days))]
    if let name { query.append(("tenant", name)) }
    let client = try common.client()
    if csv { return Printer.standard.raw(try await client.text("/v1/budget", query: query + [("format", "csv")])) }
    let report = try await client.get("/v1/budget", query: query)
    if json { return Printer.standard.json(report) }
    guard report["tenants"]?.array?.isEmpty == false else { return Printer.standard.line("no tenants") }
    Printer.standard.lines(
      BudgetTable.lines(report, days: days, width: Printer.standard.width, paint: Printer.standard.paint))
  }
}

struct BudgetRaise: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "raise", abstract: "Add to one tenant's cap, for today only.")

  @Argument(help: "The tenant.") var name: String
  @Argument(help: "By how many dollars.") var usd: String
  @OptionGroup var common: CommonOptions

  func run() async throws {
    guard let amount = MicroUSD(decimal: usd.hasPrefix("$") ? usd.dropFirst() : usd[...]), amount > .zero else {
      throw ValidationError("\(usd) is not an amount in dollars, such as 5 or 2.50")
    }
    let answer = try await common.client().post(
      "/v1/tenants/\(PercentEncoding.encode(name))/raise", ["usd": .double(amount.dollars)])
    let cap = answer["cap"]?.microUSD.map { "; today's cap is now \(Display.money($0))" } ?? ""
    Printer.standard.line("\(Display.line(name)): raised by \(Display.money(amount.micros))\(cap)")
  }
}
