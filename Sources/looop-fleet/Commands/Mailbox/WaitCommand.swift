import ArgumentParser
import Fleet
import Tenant

struct WaitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Block until something needs you, then print what `asks` prints.",
    discussion: """
      Without --after it returns at once if an ask is pending. With --after it waits for what is newer than TOKEN, the `token` of \
      the last wake. Exit status 3: the fleet stopped.
      """)

  @Flag(help: "Only for a new ask.") var onlyAsks = false
  @Flag(help: "Only for an ask, or a change of a worker or a tenant.") var actionable = false
  @Option(help: "Wait for what is newer than this token.") var after: String?
  @Option(help: "Only for this tenant.") var tenant: String?
  @Flag(help: "As JSON, with `changed` and `token`.") var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let after, UInt64(after) == nil { throw ValidationError("--after takes the `token` of an earlier wait") }
  }

  func run() async throws {
    let client = try common.client()
    var token = after
    while true {
      let answer = try await client.get("/v1/wait", query: query(token), timeout: .seconds(Self.blockSeconds + 30))
      token = answer["token"]?.string ?? token
      guard let changed = answer["changed"]?.array?.compactMap(\.string), !changed.isEmpty else { continue }
      if json { return Printer.standard.json(answer) }
      Printer.standard.lines(
        ["changed: \(changed.joined(separator: ", "))", "token: \(token ?? "")", ""]
          + AsksCommand.lines(answer["asks"] ?? [], paint: Printer.standard.paint))
      return
    }
  }

  /// One request blocks this long; the command itself has no end.
  private static let blockSeconds = 240

  private func query(_ token: String?) -> [(String, String)] {
    var query = [("timeout_s", String(Self.blockSeconds))]
    if let token { query.append(("after", token)) }
    if let tenant { query.append(("tenant", tenant)) }
    // The narrower one wins, as in `looop wait`.
    if onlyAsks { query.append(("only", "asks")) } else if actionable { query.append(("only", "actionable")) }
    return query
  }
}
