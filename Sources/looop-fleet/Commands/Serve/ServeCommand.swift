import ArgumentParser
import Fleet
import Glibc
import Logging
import SystemPackage
import Tenant

/// The supervisor, in the foreground: what systemd starts, and what `up` starts detached.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the supervisor in the foreground.",
    discussion: """
      Beats every tenant of the configuration, starts their workers, gathers their asks. SIGTERM ends it; live workers \
      go on and are adopted by the next one. SIGHUP reads the configuration again.
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    // A beat or a hook that ended reads no more of what it is told: that must not end the fleet. Children get the default back.
    signal(SIGPIPE, SIG_IGN)
    let environment = common.environment
    let programs = try Programs.find(environment)
    let logger = Logger(label: "looop-fleet", factory: { FleetLog(label: $0) })
    do {
      try await FleetService(
        paths: try common.paths(), programs: programs, environment: environment, logger: logger
      ).run()
    } catch let failure as FleetService.Failure {
      throw FleetRefusal(.conflict, failure.description, hint: failure.hint)
    }
  }
}

/// Where the two programs are: `looop` lies beside us, or `LOOOP_BIN` says where.
enum Programs {
  static func find(_ environment: HostEnvironment) throws -> Supervisor.Programs {
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
