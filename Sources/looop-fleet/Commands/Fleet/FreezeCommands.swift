import ArgumentParser
import Fleet
import Tenant

struct FreezeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "freeze", abstract: "Hold everything of one tenant still, or of all, until `thaw`; survives restarts.")

  @Argument(help: "One tenant; all of them without it.") var name: String?
  @OptionGroup var common: CommonOptions

  func run() async throws {
    _ = try await common.client().post(tenantPath(name, "freeze"))
    Printer.standard.line(
      "\(name.map { Display.line($0) } ?? "the fleet"): frozen; undo with `looop-fleet thaw\(name.map { " " + Display.line($0) } ?? "")`"
    )
  }
}

struct ThawCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "thaw", abstract: "Let one tenant, or all, go on.")

  @Argument(help: "One tenant; the whole fleet without it.") var name: String?
  @OptionGroup var common: CommonOptions

  func run() async throws {
    _ = try await common.client().post(tenantPath(name, "thaw"))
    Printer.standard.line("\(name.map { Display.line($0) } ?? "the fleet"): goes on")
  }
}

/// `/v1/freeze` for all, `/v1/tenants/web/freeze` for one.
func tenantPath(_ name: String?, _ verb: String) -> String {
  name.map { "/v1/tenants/\(PercentEncoding.encode($0))/\(verb)" } ?? "/v1/\(verb)"
}
