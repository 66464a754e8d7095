import SystemPackage
import Tenant

/// The control socket of a fleet, as `looop` uses it: one request at a time.
struct FleetSocket {
  let path: FilePath

  init(_ path: FilePath) { self.path = path }

  /// Where a fleet may listen: the named one only, else the user's own and the machine's.
  static func places(_ environment: HostEnvironment, isRoot: Bool) -> [FilePath] {
    if let named = environment["LOOOP_FLEET_SOCKET"] { return [FilePath(named)] }
    if let state = environment["LOOOP_FLEET_STATE"] { return [FilePath(state).appending("fleet.sock")] }
    let machine: FilePath = "/run/looop-fleet/fleet.sock"
    if isRoot { return [machine] }
    let state = environment["XDG_STATE_HOME"] ?? environment["HOME"].map { "\($0)/.local/state" }
    let own = [environment["XDG_RUNTIME_DIR"], state].compactMap { $0 }
    return own.map { FilePath($0).appending("looop-fleet").appending("fleet.sock") } + [machine]
  }

  /// `nil` where nobody listens there.
  func request(_ method: String, _ target: String, body: JSON? = nil) throws(Failure) -> SocketRequest.Reply? {
    let request = SocketRequest(
      method, target, socket: path, userAgent: "looop/\(Version.current)", body: body, timeout: 300)
    do throws(SocketRequest.Failure) {
      return try request.run()
    } catch .nobodyListens {
      return nil
    } catch {
      throw Self.failure(error)
    }
  }

  private static func failure(_ failure: SocketRequest.Failure) -> Failure {
    switch failure {
    case .nobodyListens: Failure("no fleet is running", hint: "start it with `looop-fleet up`")
    case .cannotConnect(let error): Failure("\(error)", hint: "you may lack the right to reach this fleet")
    case .broken(let error): Failure("\(error)", hint: "looop-fleet status says whether it runs")
    case .timedOut: Failure("the fleet did not answer in time", hint: "looop-fleet logs may say why")
    case .tooLarge: Failure("the fleet's answer is too large", hint: "ask for less")
    case .notUnderstood:
      Failure("the fleet's answer cannot be read", hint: "is something else listening on its socket?")
    }
  }
}
