import ArgumentParser
import Fleet
import SystemPackage
import Tenant

struct TenantCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tenant", abstract: "Add, look at, pause and remove tenants.",
    subcommands: [
      TenantAdd.self, TenantList.self, TenantShow.self, TenantPause.self, TenantResume.self, TenantRemove.self,
    ])
}

struct TenantList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The tenants: from the running fleet, else from the configuration.")

  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let rows: [JSON]
    do {
      rows = try await common.client().get("/v1/status")["tenants"]?.array ?? []
    } catch let refusal as FleetRefusal where refusal.class == .notRunning {
      Printer.standard.note("the fleet is not running; this is the configuration")
      rows = Self.configured(ConfigurationDirectory.load(at: try common.paths().configuration))
    }
    if json { return Printer.standard.json(.array(rows)) }
    guard !rows.isEmpty else { return Printer.standard.line("no tenants: looop-fleet tenant add NAME --data-dir DIR") }
    let table = TextTable(
      [.init("TENANT"), .init("PHASE"), .init("USER"), .init("DATA DIR")],
      rows.map { row in
        TextTable.Row([
          .init(row["name"]?.string ?? "-", .strong), .init(row["phase"]?.string ?? "-"),
          .init(row["user"]?.string ?? "-"), .init(row["data_dir"]?.string ?? "-"),
        ])
      })
    Printer.standard.lines(table.lines(width: Printer.standard.width, paint: Printer.standard.paint))
  }

  static func configured(_ load: ConfigurationLoad) -> [JSON] {
    for problem in load.refused { Printer.standard.fail(problem.description, hint: problem.hint) }
    return load.tenants.map { tenant in
      [
        "name": .string(tenant.id.name), "data_dir": .string(tenant.dataDirectory.string),
        "user": .optional(tenant.user),
        "phase": .null,
      ]
    }
  }
}

struct TenantShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "One tenant: how it is, and what it is configured to be.")

  @Argument(help: "The tenant.") var name: String
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let tenant = try await common.client().get("/v1/tenants/\(PercentEncoding.encode(name))")
    if json { return Printer.standard.json(tenant) }
    Printer.standard.lines(TenantText.lines(tenant, now: HostClock.system.now, paint: Printer.standard.paint))
  }
}

struct TenantPause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "No new beats; live workers go on. Survives restarts.")

  @Argument(help: "The tenant.") var name: String
  @OptionGroup var common: CommonOptions

  func run() async throws {
    _ = try await common.client().post(tenantPath(name, "pause"))
    Printer.standard.line("\(Display.line(name)): paused; undo with `looop-fleet tenant resume \(Display.line(name))`")
  }
}

struct TenantResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Let a paused tenant beat again, or try one in trouble at once.")

  @Argument(help: "The tenant.") var name: String
  @OptionGroup var common: CommonOptions

  func run() async throws {
    _ = try await common.client().post(tenantPath(name, "resume"))
    Printer.standard.line("\(Display.line(name)): beats again")
  }
}

struct TenantRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a tenant out of the fleet. Its data dir and its money's history stay.")

  @Argument(help: "The tenant.") var name: String
  @OptionGroup var common: CommonOptions

  func run() async throws {
    guard let id = TenantID(name), try ConfigurationWriter(directory: common.paths().configuration).remove(id) else {
      throw FleetRefusal(
        .notFound, "the configuration has no tenant \(Display.line(name))", hint: "`looop-fleet tenant list` names them"
      )
    }
    Printer.standard.line("\(name): removed from the configuration")
    try await ReloadCommand.afterChange(of: name, common)
  }
}
