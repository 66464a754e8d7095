import ArgumentParser
import Tenant

/// `report`: all that a fleet knows of this tenant, without a beat.
struct ReportVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print what a fleet knows of this loop, as JSON.")

  @Flag(help: "The only form there is.") var json = false

  mutating func perform(in context: Context) throws -> Int32 { try Self.report(context) }

  static func report(_ context: Context) throws -> Int32 {
    context.printer.compact(document(context))
    return ExitStatus.done
  }

  static func document(_ context: Context) -> JSON { BeatVerb.run(context, log: { _ in }).report(nil).json }
}
