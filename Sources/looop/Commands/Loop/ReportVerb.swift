import ArgumentParser
import Glibc
import Tenant

/// `hold`: the fleet takes this tenant over; standard input is its socket.
struct HoldVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "hold", abstract: "Hand the pulse's lock to a fleet (called by the fleet).", shouldDisplay: false)

  mutating func perform(in context: Context) throws -> Int32 { try Self.hold(context) }

  static func hold(_ context: Context) throws -> Int32 {
    TakeOver(context).run(socket: STDIN_FILENO) { ReportVerb.document(context) }
  }
}

/// `release`: the fleet gives this tenant back; from here on it may run by itself.
struct ReleaseVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Take the fleet's mark off this loop (called by the fleet).",
    shouldDisplay: false)

  mutating func perform(in context: Context) throws -> Int32 {
    try TakeOver(context).release()
    return ExitStatus.done
  }
}

extension TakeOver {
  /// By the fleet that the environment names.
  init(_ context: Context) {
    self.init(
      context.data, fleetSocket: context.environment["LOOOP_FLEET_SOCKET"] ?? "",
      tenant: context.environment["LOOOP_TENANT"] ?? "")
  }
}

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
