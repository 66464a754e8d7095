import ArgumentParser
import Fleet
import Tenant

struct AsksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "asks", abstract: "The questions of all tenants that wait for an answer, oldest first.")

  @Option(help: "Only this tenant's.") var tenant: String?
  @Flag(help: "Only those that gate something irreversible.") var irreversible = false
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    var query: [(String, String)] = []
    if let tenant { query.append(("tenant", tenant)) }
    if irreversible { query.append(("irreversible", "1")) }
    let asks = try await common.client().get("/v1/asks", query: query)
    if json { return Printer.standard.json(asks) }
    Printer.standard.lines(Self.lines(asks, paint: Printer.standard.paint))
  }

  static func lines(_ asks: JSON, paint: Paint) -> [String] {
    let asks = (asks.array ?? []).compactMap(MailboxAsk.init(json:))
    guard !asks.isEmpty else { return ["no asks wait"] }
    return Array(asks.map { AskText($0).full(paint: paint) }.joined(separator: [""]))
  }
}
