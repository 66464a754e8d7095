import ArgumentParser
import Fleet
import Tenant

struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Who changed what and through what, newest last: raises, answers, pauses, kills …")

  @Argument(help: "One tenant; everything without it.") var name: String?
  @Option(name: .shortAndLong, help: "How many of the newest lines.") var lines = 100
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...10_000).contains(lines) else { throw ValidationError("--lines takes 1 to 10000") }
  }

  func run() async throws {
    var query = [("limit", String(lines))]
    if let name { query.append(("tenant", name)) }
    let rows = try await common.client().get("/v1/audit", query: query)
    if json { return Printer.standard.json(rows) }
    let table = TextTable(
      [
        .init("WHEN"), .init("WHO"), .init("THROUGH", expendability: 1), .init("DID"), .init("TENANT"), .init("DETAIL"),
      ],
      (rows.array ?? []).map { row in
        let at = LocalTime(row["at"]?.int ?? 0)
        func text(_ key: String) -> TextTable.Cell { .init(row[key]?.string ?? "-") }
        return TextTable.Row([
          .init("\(at.date) \(at.clock)", .faint), text("by"), text("via"), text("action"), text("tenant"),
          text("detail"),
        ])
      })
    guard rows.array?.isEmpty == false else { return Printer.standard.line("nobody has changed anything yet") }
    Printer.standard.lines(table.lines(width: Printer.standard.width, paint: Printer.standard.paint))
  }
}
