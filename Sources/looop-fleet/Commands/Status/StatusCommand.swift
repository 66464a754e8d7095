import ArgumentParser
import Fleet
import Tenant

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Who runs, who is held and why, and what waits for you.",
    discussion:
      "Exit status 0: all well; 1: some tenant is held, degraded, quarantined or foreign; 3: the fleet is not running.")

  @Argument(help: "One tenant; all of them without it.") var name: String?
  @Flag(help: "The document as JSON.") var json = false
  @Flag(help: "Stay, and repaint at each change.") var watch = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if json, watch { throw ValidationError("--json and --watch exclude each other") }
  }

  func run() async throws {
    let client = try common.client()
    if watch { return try await StatusWatch(client: client, name: name).run() }
    let document = try await client.get("/v1/status", query: query)
    guard let status = FleetDocument(json: document) else { throw FleetRefusal.notOurs }
    if json {
      Printer.standard.json(document)
    } else {
      let screen = try await StatusWatch(client: client, name: name).screen(status)
      Printer.standard.lines(screen.lines(width: Printer.standard.width, paint: Printer.standard.paint))
    }
    throw ExitStatus(rawValue: status.exitStatus)
  }

  private var query: [(String, String)] { name.map { [("tenant", $0)] } ?? [] }
}

/// Repaints the status at each change, and each second for the ages.
struct StatusWatch {
  let client: ControlClient
  let name: String?

  private var query: [(String, String)] { name.map { [("tenant", $0)] } ?? [] }

  func run() async throws {
    // The first look fails like `status` does, before the screen is taken.
    var next = try await self.next(after: nil)
    let live = LiveScreen()
    defer { live.close() }
    while true {
      let size = live.size
      live.paint(next.lines(size: size, paint: Printer.standard.paint))
      // A storm of changes is painted ten times a second.
      try await Task.sleep(for: .milliseconds(100))
      do {
        next = try await self.next(after: next.token)
      } catch let refusal as FleetRefusal where refusal.class == .notRunning {
        next = Frame(screen: next.screen, token: nil, trouble: refusal.message)
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  func screen(_ status: FleetDocument) async throws -> StatusScreen {
    let asks = try await client.get("/v1/asks", query: query).array ?? []
    let workers = try await client.get("/v1/workers", query: query).array ?? []
    return StatusScreen(
      document: status, asks: asks.compactMap(MailboxAsk.init(json:)),
      workers: workers.compactMap(WorkerRow.init(json:)),
      now: HostClock.system.now)
  }

  private struct Frame {
    var screen: StatusScreen
    var token: String?
    var trouble: String?

    func lines(size: TerminalSize, paint: Paint) -> [String] {
      let lines = screen.lines(width: size.columns, height: size.rows - (trouble == nil ? 0 : 1), paint: paint)
      guard let trouble else { return lines }
      return [paint(.bad, Display.line("\(trouble); what stands below is old", limit: size.columns))] + lines
    }
  }

  private func next(after token: String?) async throws -> Frame {
    var wait = query + [("timeout_s", token == nil ? "0" : "1")]
    wait.append(("after", token ?? "0"))
    let changes = try await client.get("/v1/wait", query: wait)
    guard let status = FleetDocument(json: try await client.get("/v1/status", query: query)) else {
      throw FleetRefusal.notOurs
    }
    return Frame(screen: try await screen(status), token: changes["token"]?.string, trouble: nil)
  }
}

extension FleetRefusal {
  static let notOurs = FleetRefusal(
    .internal, "the fleet's answer cannot be understood",
    hint: "do both sides have the same version? looop-fleet version")
}
