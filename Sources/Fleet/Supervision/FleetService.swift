import CLinux
import Glibc
package import Logging
import ServiceLifecycle
import SystemPackage
package import Tenant
import UnixSignals

/// The fleet as one running program: its lock, the supervisor, the control socket, and how they begin and end together.
package struct FleetService: Sendable {
  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case alreadyRunning(String)
    case cannotStart(String, hint: String)

    package var description: String {
      switch self {
      case .alreadyRunning(let socket): "another looop-fleet runs here (\(socket))"
      case .cannotStart(let why, _): why
      }
    }

    package var hint: String {
      switch self {
      case .alreadyRunning: "see it with `looop-fleet status`, stop it with `looop-fleet down`"
      case .cannotStart(_, let hint): hint
      }
    }
  }

  private let paths: FleetPaths
  private let programs: Supervisor.Programs
  private let environment: HostEnvironment
  private let logger: Logger

  package init(paths: FleetPaths, programs: Supervisor.Programs, environment: HostEnvironment, logger: Logger) {
    self.paths = paths
    self.programs = programs
    self.environment = environment
    self.logger = logger
  }

  /// Runs until SIGTERM or SIGINT. Workers and beats in flight go on without us; SIGHUP reads the configuration again.
  package func run() async throws {
    guard FileReading.of(paths.configuration.appending("fleet.yaml")) != .absent else {
      throw Failure.cannotStart(
        "there is no configuration in \(paths.configuration)", hint: "write a starter one: looop-fleet init")
    }
    // Read once: a thousand tenants are a thousand files.
    let configured = ConfigurationDirectory.load(at: paths.configuration)
    if configured.fleet == nil {
      let problem = configured.refused.first { $0.tenant == nil }
      throw Failure.cannotStart(
        problem.map { "\($0)" } ?? "fleet.yaml cannot be read", hint: problem?.hint ?? "mend it, then start again")
    }
    try prepareDirectories()
    guard let lock = try FileLock.tryTaking(paths.lock) else { throw Failure.alreadyRunning(paths.socket.string) }
    try lock.closeToOthers(paths.lock)
    try await lock.whileHeld { try await serve(configured) }
  }

  private func serve(_ configured: ConfigurationLoad) async throws {
    raiseDescriptorLimit()
    let supervisor = try Supervisor(
      paths: paths, programs: programs, environment: environment, logger: logger)
    do throws(MissingGuards) {
      try await supervisor.requireGuards(of: configured)
    } catch {
      supervisor.leaveEmptyBase()
      throw Failure.cannotStart(
        "\(error)", hint: error.hint ?? "take it out of `require:` in \(paths.configuration)/fleet.yaml")
    }
    await supervisor.prepare(configured)
    let manager = ServiceManager(environment: environment)
    let server = ControlServer(
      ControlServer.Options(socket: paths.socket), fleet: supervisor,
      audit: { await supervisor.record($0) }, logger: logger,
      onReady: { manager.tell("READY=1\nSTATUS=serving \(paths.socket)") })
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: SupervisorService(supervisor: supervisor)), .init(service: server),
          .init(service: ReloadService(supervisor: supervisor)),
          .init(service: WatchdogService(supervisor: supervisor, manager: manager)),
        ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do {
      try await group.run()
    } catch {
      // The socket could not be bound, or a service failed.
      await supervisor.leaveNoGroups()
      throw error
    }
    manager.tell("STOPPING=1")
    await supervisor.concludeDrain()
    await supervisor.leaveNoGroups()
  }

  private func prepareDirectories() throws {
    for directory in [paths.state, paths.sandboxes] { try Self.makePassable(directory) }
    // The ledger is the supervisor's alone; what SQLite puts beside it takes its mode. One that cannot be written is the ledger's own
    // trouble: it holds every decide and says why, while the mailbox goes on.
    do throws(HostError) {
      let ledger = try OwnedDescriptor(
        opening: paths.ledger, O_RDWR | O_CREAT, mode: 0o600, operation: "open the ledger")
      guard fchmod(ledger.raw, 0o600) == 0 else { throw HostError.last("set the mode of", paths.ledger) }
    } catch {
      logger.error("\(error)")
    }
  }

  /// Tenants pass through to what is theirs, and see no names. Said twice: the umask (077 in the unit) takes from the first.
  private static func makePassable(_ path: FilePath) throws(HostError) {
    try Directory.create(path, mode: 0o711)
    let directory = try OwnedDescriptor(opening: path, O_RDONLY | O_DIRECTORY, operation: "open")
    var status = stat()
    guard unsafe fstat(directory.raw, &status) == 0 else { throw .last("look at", path) }
    guard geteuid() == 0, status.st_mode & 0o011 != 0o011 else { return }
    guard fchmod(directory.raw, status.st_mode & 0o7777 | 0o011) == 0 else { throw .last("set the mode of", path) }
  }

  /// A descriptor for each tenant's lock and each worker.
  private func raiseDescriptorLimit() {
    var (soft, hard): (UInt64, UInt64) = (0, 0)
    guard unsafe clinux_get_resource_limit(clinux_limit_open_files, &soft, &hard) == 0, soft < hard else { return }
    // Where it cannot be raised the start of a tenant fails with its reason.
    _ = clinux_set_resource_limit(clinux_limit_open_files, hard, hard)
  }
}

/// The supervisor under the service group: graceful shutdown ends its loop.
private struct SupervisorService: Service {
  let supervisor: Supervisor

  func run() async throws {
    await withGracefulShutdownHandler {
      await supervisor.run()
    } onGracefulShutdown: {
      // Outlives the handler on purpose: the loop it ends is awaited above.
      Task { await supervisor.stop() }
    }
  }
}

/// SIGHUP reads the configuration again, as daemons do.
private struct ReloadService: Service {
  let supervisor: Supervisor

  func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
      _ = await supervisor.applyConfiguration()
    }
  }
}

/// Tells systemd that the supervisor answers: a hung actor is restarted, workers live on.
private struct WatchdogService: Service {
  let supervisor: Supervisor
  let manager: ServiceManager

  func run() async throws {
    guard let period = manager.watchdog else { return try await gracefulShutdown() }
    let ticks = AsyncStream<Void>(unfolding: { try? await Task.sleep(for: .seconds(period)) })
    for await _ in ticks.cancelOnGracefulShutdown() {
      await supervisor.pulse()
      manager.tell("WATCHDOG=1")
    }
  }
}
