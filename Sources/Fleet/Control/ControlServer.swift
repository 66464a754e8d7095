import Glibc
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
package import SystemPackage
package import Tenant

/// Serves the control socket: one fleet, one socket, HTTP with JSON documents. It takes the socket's lock before it binds, because a
/// second bind would silently take the path away from a live fleet.
package struct ControlServer: Service {
  package struct Options: Sendable {
    package var socket: FilePath
    /// Root serves tenants of other users: everybody may connect, and the peer's credentials decide. A plain user serves himself.
    package var mode: UInt32
    package var owner: UInt32
    package var lookup: UserLookup
    package var rateLimit: TokenBucket.Policy

    package init(
      socket: FilePath, mode: UInt32? = nil, owner: UInt32 = geteuid(), lookup: UserLookup = .system,
      rateLimit: TokenBucket.Policy = .others
    ) {
      self.socket = socket
      self.mode = mode ?? (owner == 0 ? 0o666 : 0o600)
      self.owner = owner
      self.lookup = lookup
      self.rateLimit = rateLimit
    }
  }

  /// `sun_path`, less the NUL at its end.
  package static let maximumPathBytes = 107

  private let options: Options
  private let fleet: any FleetOperations
  private let audit: @Sendable (AuditRecord) async -> Void
  private let clock: HostClock
  private let logger: Logger
  private let onReady: @Sendable () async -> Void

  package init(
    _ options: Options, fleet: any FleetOperations, audit: @escaping @Sendable (AuditRecord) async -> Void,
    clock: HostClock = .system, logger: Logger, onReady: @escaping @Sendable () async -> Void = {}
  ) {
    self.options = options
    self.fleet = fleet
    self.audit = audit
    self.clock = clock
    self.logger = logger
    self.onReady = onReady
  }

  /// Serves until graceful shutdown or cancellation.
  ///
  /// *Throws* ``FleetRefusal`` `conflict` where another fleet holds the socket.
  package func run() async throws {
    let socket = options.socket
    guard socket.string.utf8.count <= Self.maximumPathBytes else {
      throw FleetRefusal(
        .invalidArgument, "the socket's path is longer than \(Self.maximumPathBytes) bytes: \(socket)",
        hint: "set LOOOP_FLEET_SOCKET to a shorter path")
    }
    try makeDirectory(socket.removingLastComponent())
    let lockPath = FilePath(socket.string + ".lock")
    guard let lock = try FileLock.tryTaking(lockPath) else {
      throw FleetRefusal(
        .conflict, "another looop-fleet serves \(socket)",
        hint: "stop it with `looop-fleet down`, or use another socket")
    }
    try lock.closeToOthers(lockPath)
    try await lock.whileHeld { try await makeApplication().run() }
  }

  private func makeDirectory(_ path: FilePath) throws {
    // Traversable for all where the socket is for all.
    let mode: mode_t = options.mode & 0o006 == 0 ? 0o700 : 0o755
    if unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) != 0, errno != EEXIST {
      throw HostError.last("make the socket's directory", path)
    }
  }

  private func makeApplication() -> some ApplicationProtocol {
    let roles = RoleBook(owner: options.owner, lookup: options.lookup, monotonic: clock.monotonic)
    let fleet = fleet
    let router = Self.router(
      fleet: fleet, audit: audit, clock: clock, rateLimit: options.rateLimit,
      identify: { request, context in
        guard let peer = await PeerCredentials.of(context.channel) else { return nil }
        let tenants = await fleet.tenants(ofUser: peer.uid)
        let place = await fleet.place(ofProcess: peer.pid)
        return await roles.caller(peer, tenants: tenants, place: place, via: ClientName.of(request))
      })
    let limit = ConnectionLimit(owner: options.owner)
    let (socket, mode, logger, onReady) = (options.socket, options.mode, logger, onReady)
    return Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [ConnectionGate(limit)], idleTimeout: .seconds(Self.idleSeconds),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 8 << 10, maxHeaderListSize: 16 << 10, maxHeaderFieldCount: 64))),
      configuration: ApplicationConfiguration(
        address: .unixDomainSocket(path: socket.string), serverName: "looop-fleet"),
      onServerRunning: { _ in
        if unsafe socket.withPlatformString({ unsafe chmod($0, mode) }) != 0 {
          logger.error("\(HostError.last("set the mode of", socket)); only this user can connect")
        }
        await onReady()
      },
      logger: logger)
  }

  /// Longer than the longest `wait`, so that only a connection where nothing goes on is closed.
  static let idleSeconds: Int64 = 330

  /// The routes with their doorman; apart from the server, so that tests need no socket.
  static func router(
    fleet: any FleetOperations, audit: @escaping @Sendable (AuditRecord) async -> Void, clock: HostClock,
    rateLimit: TokenBucket.Policy = .others, identify: @escaping @Sendable (Request, ControlContext) async -> Caller?
  ) -> Router<ControlContext> {
    let router = Router(context: ControlContext.self)
    router.add(
      middleware: Doorman(identify: identify, rateLimit: RateLimit(others: rateLimit, monotonic: clock.monotonic)))
    ControlRoutes(fleet: fleet, audit: audit, clock: clock).add(to: router)
    return router
  }
}

/// What a client calls itself, for the records: the product's name in its `User-Agent`, else `api`.
enum ClientName {
  static func of(_ request: Request) -> String {
    guard let agent = request.headers[.userAgent], let product = agent.split(separator: "/").first,
      product.utf8.count <= 32,
      product.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      })
    else { return "api" }
    return String(product)
  }
}
