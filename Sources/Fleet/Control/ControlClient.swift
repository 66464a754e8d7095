import Glibc
package import SystemPackage
package import Tenant

/// The other end of the control socket. Everything that goes wrong is a ``FleetRefusal``: the fleet's own, or one that says that
/// nobody is there.
package struct ControlClient: Sendable {
  private let socket: FilePath
  private let userAgent: String

  package init(socket: FilePath, userAgent: String = "looop-fleet/\(Version.current)") {
    self.socket = socket
    self.userAgent = userAgent
  }

  package func get(
    _ path: String, query: [(String, String)] = [], timeout: Duration = .seconds(30)
  ) async throws(FleetRefusal) -> JSON {
    try Self.parse(try await send("GET", path, query, nil, timeout))
  }

  package func post(
    _ path: String, query: [(String, String)] = [], _ body: JSON = [:], timeout: Duration = .seconds(60)
  ) async throws(FleetRefusal) -> JSON {
    try Self.parse(try await send("POST", path, query, body, timeout))
  }

  package func text(_ path: String, query: [(String, String)] = []) async throws(FleetRefusal) -> String {
    String(decoding: try await send("GET", path, query, nil, .seconds(30)), as: UTF8.self)
  }

  /// Connects and asks nothing: is anybody there?
  package func probe() throws(FleetRefusal) {
    do throws(SocketRequest.Failure) {
      _ = try request("GET", "/", nil, .zero).connect()
    } catch {
      throw refusal(error)
    }
  }

  private static func parse(_ bytes: [UInt8]) throws(FleetRefusal) -> JSON {
    do throws(JSONError) {
      return try JSON(parsing: bytes)
    } catch {
      throw FleetRefusal(
        .internal, "the fleet's answer is not JSON: \(error)", hint: "is something else on the socket?")
    }
  }

  private func send(
    _ method: String, _ path: String, _ query: [(String, String)], _ body: JSON?, _ timeout: Duration
  ) async throws(FleetRefusal) -> [UInt8] {
    let words = query.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    let request = request(method, words.isEmpty ? path : "\(path)?\(words)", body, timeout)
    // It blocks, and a waiting client must not keep a thread from whom it waits for (in one process they are both at home).
    let result = await Threads.run { Result { () throws(SocketRequest.Failure) in try request.run() } }
    switch result {
    case .failure(let failure): throw refusal(failure)
    case .success(let reply) where reply.status / 100 == 2: return reply.body
    case .success(let reply):
      // Any answer that is not ours is told by its number.
      if let refusal = reply.json.flatMap(FleetRefusal.init(json:)) { throw refusal }
      throw FleetRefusal(
        .internal, "the fleet answered with HTTP \(reply.status)", hint: "is something else on \(socket)?")
    }
  }

  private func request(_ method: String, _ target: String, _ body: JSON?, _ timeout: Duration) -> SocketRequest {
    SocketRequest(
      method, target, socket: socket, userAgent: userAgent, body: body, timeout: timeout / .seconds(1))
  }

  private func refusal(_ failure: SocketRequest.Failure) -> FleetRefusal {
    switch failure {
    case .nobodyListens:
      FleetRefusal(
        .notRunning, "the fleet is not running (nobody listens on \(socket))",
        hint: "start it with `looop-fleet up`, or `systemctl start looop-fleet`")
    case .cannotConnect(let error) where error.errno == EACCES || error.errno == EPERM:
      FleetRefusal(
        .permissionDenied, "this user may not connect to \(socket)",
        hint: "use sudo, or ask an administrator for a role")
    case .cannotConnect(let error) where error.errno == ENAMETOOLONG:
      FleetRefusal(
        .invalidArgument, "the socket's path is too long: \(socket)", hint: "set LOOOP_FLEET_SOCKET to a shorter path")
    case .cannotConnect(let error):
      FleetRefusal(.notRunning, "cannot connect to the fleet: \(error)", hint: "`looop-fleet doctor` looks closer")
    case .broken(let error):
      // The connection was there a moment ago: it went away under the request.
      FleetRefusal(
        .notRunning, "the connection to the fleet broke (\(error))",
        hint: "see whether it still runs: `looop-fleet status`")
    case .timedOut:
      FleetRefusal(.timeout, "the fleet did not answer in time", hint: "`looop-fleet logs` may say why")
    case .tooLarge: FleetRefusal(.tooLarge, "the fleet's answer is too large", hint: "ask for one tenant")
    case .notUnderstood:
      // Cut short is what a fleet leaves that ends in the middle of an answer.
      FleetRefusal(
        .notRunning, "the fleet's answer is cut short or no HTTP", hint: "is something else on \(socket)?")
    }
  }
}
