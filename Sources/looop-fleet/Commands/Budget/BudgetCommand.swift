import ArgumentParser
import Fleet
import Glibc
import Tenant

struct BudgetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "budget", abstract: "What was spent and what is left; raise today's cap.",
    subcommands: [BudgetShow.self, BudgetRaise.self, BudgetBeginAnew.self], defaultSubcommand: BudgetShow.self)
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

/// An order left beside the ledger's place, for whoever may write there: the supervisor that needs it may not even start well.
struct BudgetBeginAnew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "begin-anew",
    abstract: "Give up a ledger that is lost, and begin a new one.",
    discussion:
      "Today counts as unspent then, nothing is frozen or paused any more, and the audit log begins with who ordered it."
  )

  @OptionGroup var common: CommonOptions

  func run() throws {
    let ledger = try common.paths().ledger
    let actor = UserLookup.system.user(getuid())?.name ?? "uid \(getuid())"
    do throws(LedgerError) {
      try LedgerMark(beside: ledger).orderAnew(actor: actor, at: HostClock.system.now)
    } catch {
      throw FleetRefusal(
        error.code == .conflict ? .conflict : .unavailable, error.description,
        hint: error.code == .conflict ? "looop-fleet doctor says what it lacks" : "who owns \(ledger) orders it")
    }
    Printer.standard.line("ordered: a running fleet goes on within seconds, with nothing spent and nothing frozen")
  }
}

struct BudgetRaise: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "raise", abstract: "Add to the caps of one tenant, or of the whole fleet, for today only.",
    usage: """
      looop-fleet budget raise NAME USD [--tokens N] [--decides N]
      looop-fleet budget raise --fleet USD [--tokens N] [--decides N]
      """)

  @Argument(help: "The tenant, unless it is --fleet; and by how many dollars.") var words: [String] = []
  @Flag(help: "The whole fleet's cap.") var fleet = false
  @Option(help: "By how many tokens.") var tokens: Int64?
  @Option(help: "By how many decides.") var decides: Int64?
  @OptionGroup var common: CommonOptions

  private var name: String? { fleet ? nil : words.first }
  private var usd: String? { fleet ? words.first : words.dropFirst().first }

  func validate() throws {
    guard fleet || !words.isEmpty else { throw ValidationError("name a tenant, or --fleet") }
    guard words.count <= (fleet ? 1 : 2) else {
      throw ValidationError(
        "\(words.last ?? "") is too much: a raise takes \(fleet ? "an amount" : "a tenant and an amount")")
    }
    guard usd != nil || tokens != nil || decides != nil else {
      throw ValidationError("by how much? name dollars, --tokens or --decides")
    }
    for count in [tokens, decides].compactMap({ $0 }) where count <= 0 {
      throw ValidationError("\(count) is no raise: name a number above 0")
    }
    if let usd { _ = try Self.amount(usd) }
  }

  func run() async throws {
    let amounts = BudgetAmounts(
      usd: try usd.map(Self.amount) ?? .zero, tokens: tokens ?? 0, decides: decides ?? 0)
    var body: [String: JSON] = [:]
    if usd != nil { body["usd"] = .double(amounts.usd.dollars) }
    if let tokens { body["tokens"] = .int(tokens) }
    if let decides { body["decides"] = .int(decides) }
    let path = name.map { "/v1/tenants/\(PercentEncoding.encode($0))/raise" } ?? "/v1/raise"
    let answer = try await common.client().post(path, .object(body))
    let budget = answer["budget"].flatMap(TenantBudget.init(json:))
    let caps = Self.caps(budget, raised: amounts).joined(separator: ", ")
    let raised = BudgetAxis.allCases.filter { amounts[$0] > 0 }.map { $0.words(amounts[$0]) }.joined(separator: ", ")
    Printer.standard.line("\(Display.line(name ?? "the whole fleet")): raised by \(raised); today's cap is now \(caps)")
  }

  private static func amount(_ text: String) throws -> MicroUSD {
    guard let amount = MicroUSD(decimal: text.hasPrefix("$") ? text.dropFirst() : text[...]), amount > .zero else {
      throw ValidationError("\(text) is not an amount in dollars, such as 5 or 2.50")
    }
    return amount
  }

  private static func caps(_ budget: TenantBudget?, raised: BudgetAmounts) -> [String] {
    BudgetAxis.allCases.compactMap { axis in
      let cap =
        switch axis {
        case .usd: budget?.usd.cap
        case .tokens: budget?.tokens.cap
        case .decides: budget?.decides.cap
        }
      return raised[axis] > 0 ? cap.map(axis.words) : nil
    }
  }
}
