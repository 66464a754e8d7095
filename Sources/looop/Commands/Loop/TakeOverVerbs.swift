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
