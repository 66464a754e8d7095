import ArgumentParser
import Tenant

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Which version this is.")

  func run() { Printer.standard.line("looop-fleet \(Version.current)") }
}
