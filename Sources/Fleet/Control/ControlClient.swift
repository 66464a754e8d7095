import AsyncHTTPClient
import CLinux
import Glibc
import NIOCore
import NIOHTTP1
package import SystemPackage
package import Tenant

/// The other end of the control socket. Everything that goes wrong is a ``FleetRefusal``: the fleet's own, or one that says that
/// nobody is there.
package struct ControlClient: Sendable {
  /// The largest document: a thousand tenants with their asks.
  static let maximumBody = 64 << 20

  private let socket: FilePath
  private let userAgent: String

  package init(socket: FilePath, userAgent: String = "looop-fleet/\(Version.current)") {
    self.socket = socket
    self.userAgent = userAgent
  }

  /// One for the whole program, and never shut down: it ends with the program.
  private static let http = HTTPClient(
    eventLoopGroup: HTTPClient.defaultEventLoopGroup,
    configuration: {
      var configuration = HTTPClient.Configuration()
      // A fleet that is not there now is told at once, not after ten seconds of trying.
      configuration.connectionPool.retryConnectionEstablishment = false
      configuration.decompression = .disabled
      return configuration
    }())

  package func get(
    _ path: String, query: [(String, String)] = [], timeout: Duration = .seconds(30)
  ) async throws(FleetRefusal) -> JSON {
    try Self.parse(try await send(.GET, path, query, nil, timeout))
  }

  package func post(
    _ path: String, query: [(String, String)] = [], _ body: JSON = [:], timeout: Duration = .seconds(60)
  ) async throws(FleetRefusal) -> JSON {
    try Self.parse(try await send(.POST, path, query, body, timeout))
  }

  package func text(_ path: String, query: [(String, String)] = []) async throws(FleetRefusal) -> String {
    String(decoding: try await send(.GET, path, query, nil, .seconds(30)), as: UTF8.self)
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
    _ method: HTTPMethod, _ path: String, _ query: [(String, String)], _ body: JSON?, _ timeout: Duration
  ) async throws(FleetRefusal) -> [UInt8] {
    try probe()
    var request = HTTPClientRequest(url: url(path, query))
    request.method = method
    request.headers.add(name: "User-Agent", value: userAgent)
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(string: body.compact))
    }
    let (status, bytes) = try await perform(request, timeout)
    guard status / 100 == 2 else {
      // Any answer that is not ours is told by its number.
      if let json = try? JSON(parsing: bytes), let refusal = FleetRefusal(json: json) { throw refusal }
      throw FleetRefusal(.internal, "the fleet answered with HTTP \(status)", hint: "is something else on \(socket)?")
    }
    return bytes
  }

  private func perform(
    _ request: HTTPClientRequest, _ timeout: Duration
  ) async throws(FleetRefusal) -> (status: Int, bytes: [UInt8]) {
    do {
      let response = try await Self.http.execute(request, timeout: .nanoseconds(Int64(timeout / .nanoseconds(1))))
      let buffer = try await response.body.collect(upTo: Self.maximumBody)
      return (Int(response.status.code), Array(buffer.readableBytesView))
    } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
      throw FleetRefusal(.timeout, "the fleet did not answer in time", hint: "`looop-fleet logs` may say why")
    } catch is NIOTooManyBytesError {
      throw FleetRefusal(.tooLarge, "the fleet's answer is too large")
    } catch {
      // The connection was there a moment ago: it went away under the request.
      throw FleetRefusal(
        .notRunning, "the connection to the fleet broke (\(error))",
        hint: "see whether it still runs: `looop-fleet status`")
    }
  }

  /// `http+unix://%2Frun%2Flooop-fleet%2Ffleet.sock/v1/status?tenant=web`
  private func url(_ path: String, _ query: [(String, String)]) -> String {
    let words = query.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    return "http+unix://\(PercentEncoding.encode(socket.string))\(path)\(words.isEmpty ? "" : "?\(words)")"
  }

  /// Connects once by itself: only so the cause is known (no socket, nobody behind it, not allowed), and at no cost worth naming.
  package func probe() throws(FleetRefusal) {
    let descriptor = unsafe clinux_unix_socket(socket.string, 0)
    guard descriptor < 0 else {
      _ = OwnedDescriptor(owning: descriptor)
      return
    }
    switch errno {
    case ENOENT, ECONNREFUSED, ENOTDIR:
      throw FleetRefusal(
        .notRunning, "the fleet is not running (nobody listens on \(socket))",
        hint: "start it with `looop-fleet up`, or `systemctl start looop-fleet`")
    case EACCES, EPERM:
      throw FleetRefusal(
        .permissionDenied, "this user may not connect to \(socket)",
        hint: "use sudo, or ask an administrator for a role")
    case ENAMETOOLONG:
      throw FleetRefusal(
        .invalidArgument, "the socket's path is too long: \(socket)", hint: "set LOOOP_FLEET_SOCKET to a shorter path")
    default:
      throw FleetRefusal(.notRunning, "cannot connect to the fleet: \(HostError.last("connect to", socket))")
    }
  }
}
