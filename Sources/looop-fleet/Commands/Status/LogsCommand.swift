import ArgumentParser
import Fleet
import Tenant

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "What the fleet did, newest last.")

  @Argument(help: "One tenant; all of them without it.") var name: String?
  @Flag(name: .shortAndLong, help: "Stay, and print what comes.") var follow = false
  @Option(name: .shortAndLong, help: "How many lines to begin with.") var lines = 100
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...10_000).contains(lines) else { throw ValidationError("--lines takes 1 to 10000") }
  }

  func run() async throws {
    let client = try common.client()
    var after: Int64?
    while true {
      var query = [("limit", String(after == nil ? lines : 10_000))]
      if let name { query.append(("tenant", name)) }
      if let after { query.append(("after", String(after))) }
      let answer = try await client.get("/v1/logs", query: query)
      for line in answer["lines"]?.array ?? [] {
        Printer.standard.line(Self.text(line, showsTenant: name == nil))
        after = max(after ?? 0, line["sequence"]?.int ?? 0)
      }
      guard follow else { return }
      after = after ?? 0
      // Lines are for people: a third of a second is at once.
      try await Task.sleep(for: .milliseconds(300))
    }
  }

  static func text(_ line: JSON, showsTenant: Bool) -> String {
    let time = LocalTime(line["at"]?.int ?? 0)
    let tenant = showsTenant ? line["tenant"]?.string.map { "\(Display.line($0)): " } ?? "" : ""
    return "\(time.date) \(time.clockSeconds) \(tenant)\(Display.line(line["text"]?.string ?? "", limit: 2000))"
  }
}
