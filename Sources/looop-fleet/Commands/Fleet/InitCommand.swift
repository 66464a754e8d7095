import ArgumentParser
import Fleet
import Tenant

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Write a starter configuration; what is there already stays as it is.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    let paths = try common.paths()
    let written = try ConfigurationWriter(
      directory: paths.configuration, group: UserLookup.system.group(RoleBook.opsGroup)
    ).initialize()
    Printer.standard.lines(written.map { "wrote \($0)" })
    if written.isEmpty { Printer.standard.line("the configuration is there already: \(paths.configuration)") }
    Printer.standard.lines([
      "next: looop-fleet tenant add NAME --data-dir DIR", "then: looop-fleet up, and looop-fleet status",
    ])
  }
}
