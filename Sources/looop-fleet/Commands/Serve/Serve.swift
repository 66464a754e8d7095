import ArgumentParser
import Fleet
import Glibc
import Logging
import SystemPackage
import Tenant

/// The supervisor, in the foreground: what systemd starts, and what `up` starts detached.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the supervisor in the foreground.",
    discussion: """
      Beats every tenant of the configuration, starts their workers, gathers their asks. SIGTERM ends it; live workers \
      go on and are adopted by the next one. SIGHUP reads the configuration again.
      """)

  @Option(help: "The configuration directory.")
  var config: String?

  func run() async throws {
    let environment = HostEnvironment.current()
    let paths = try FleetPaths(environment: environment, userID: geteuid(), option: config.map(Self.absolute))
    let programs = try Programs.beside(environment)
    var logger = Logger(label: "looop-fleet", factory: { LogfmtHandler(label: $0) })
    logger.logLevel = .info
    do {
      try await FleetService(paths: paths, programs: programs, environment: environment, logger: logger).run()
    } catch let failure as FleetService.Failure {
      throw FleetRefusal(.conflict, failure.description, hint: failure.hint)
    }
  }

  static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    let here = unsafe getcwd(nil, 0).map { pointer in
      defer { unsafe free(pointer) }
      return unsafe String(cString: pointer)
    }
    return FilePath(here ?? "/").appending(path).lexicallyNormalized().string
  }
}

/// Where the two programs are: `looop` lies beside us, or `LOOOP_BIN` says where.
enum Programs {
  static func beside(_ environment: HostEnvironment) throws -> Supervisor.Programs {
    let own = try ownPath()
    let looop = environment["LOOOP_BIN"].map { FilePath($0) } ?? own.removingLastComponent().appending("looop")
    guard access(looop.string, X_OK) == 0 else {
      throw FleetRefusal(
        .unavailable, "the program \(looop) is not there or cannot be run",
        hint: "install looop beside looop-fleet, or set LOOOP_BIN")
    }
    return Supervisor.Programs(looop: looop, fleet: own)
  }

  static func ownPath() throws -> FilePath {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else { throw HostError.last("find this program") }
    return FilePath(String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}

/// One line an event on stderr, in the form that journald and people read: no time where systemd adds its own.
struct LogfmtHandler: LogHandler {
  let label: String
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  private let bare = getenv("JOURNAL_STREAM") != nil

  init(label: String) { self.label = label }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    // Others' libraries speak only when something is wrong.
    guard event.source == "Fleet" || event.level >= .warning else { return }
    let time = bare ? "" : LocalTime(HostClock.system.now).clockSeconds + " "
    let level = event.level >= .warning ? "\(event.level): " : ""
    Printer.standard.error("\(time)\(level)\(event.message)\n")
  }
}
