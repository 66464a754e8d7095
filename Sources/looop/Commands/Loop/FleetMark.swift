import SystemPackage
import Tenant

/// A data dir that a fleet manages is started and stopped by the fleet only.
enum FleetMark {
  static func refuse(_ context: Context, verb: String) throws(Failure) {
    let file = context.data.fleetMark
    guard FileReading.of(file) != .absent else { return }
    let mark = StateFile.read(file).value
    let tenant = mark?["tenant"]?.string.map { TextWidth.plain($0) }
    let socket = mark?["socket"]?.string
    throw Failure(
      "a fleet runs this loop\(tenant.map { " as tenant \($0)" } ?? ""); `\(verb)` is not for it",
      hint: hint(
        verb, tenant: tenant ?? "NAME", file: file,
        silent: isSilent(socket) ? socket.map { TextWidth.plain($0) } ?? "?" : nil))
  }

  /// - silent: the mark's socket where nobody listens on it.
  static func hint(_ verb: String, tenant: String, file: FilePath, silent: String?) -> String {
    if let silent {
      return "no fleet answers at \(silent): looop-fleet up starts it; if it is gone for good, remove \(file)"
    }
    return switch verb {
    case "down":
      "looop-fleet freeze \(tenant) holds all of it still; looop-fleet worker kill \(tenant)/WORKER ends one worker"
    default: "it beats by itself; looop-fleet tenant resume \(tenant) ends a pause"
    }
  }

  /// Only where it is certain: a socket that we may not open may well have its fleet behind it.
  private static func isSilent(_ socket: String?) -> Bool {
    guard let socket else { return true }
    do throws(Failure) {
      return try FleetSocket(FilePath(socket)).request("GET", "/healthz") == nil
    } catch {
      return false
    }
  }
}
