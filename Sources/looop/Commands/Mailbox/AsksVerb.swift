import ArgumentParser
import Tenant

/// `asks`: what waits for a human.
struct AsksVerb: Verb {
  static let configuration = CommandConfiguration(commandName: "asks", abstract: "List the pending asks, oldest first.")

  @Flag(help: "One JSON array.") var json = false

  mutating func perform(in context: Context) throws -> Int32 { Self.list(context, json: json) }

  static func list(_ context: Context, json: Bool) -> Int32 {
    Seeding.tolerant(context)
    let listing = Asks(context.data).pending()
    for problem in listing.problems { context.printer.warn("asks.problem", problem) }
    if json {
      context.printer.json { $0.list(listing.asks) { $1.write(to: &$0) } }
    } else {
      context.printer.line(AsksTable.lines(listing.asks).joined(separator: "\n"))
    }
    return ExitStatus.done
  }
}
