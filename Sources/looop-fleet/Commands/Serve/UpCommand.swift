import ArgumentParser
import Fleet
import Glibc
import SystemPackage
import Tenant

/// `serve`, detached: for a host without systemd, and for trying things out.
struct UpCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start the supervisor in the background, and wait until it answers.")

  @OptionGroup var common: CommonOptions

  /// A supervisor that has not bound its socket by then will say why in its log.
  private static let patience = 15.0

  func run() async throws {
    let paths = try common.paths()
    let client = try common.client()
    if (try? client.probe()) != nil {
      Printer.standard.line("looop-fleet runs already (\(paths.socket))")
      return
    }
    try Directory.create(paths.state, mode: 0o755)
    let log = try OwnedDescriptor(
      opening: paths.log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600, operation: "open the log")
    let from = lseek(log.raw, 0, SEEK_END)
    var spawn = Spawn(
      try Programs.ownPath(), ["serve", "--config", paths.configuration.string], environment: environment(paths),
      directory: "/")
    spawn.newSession = true
    spawn.output = .descriptor(log.raw)
    spawn.errors = .descriptor(log.raw)
    let pid = try spawn.start()
    try await awaitReady(pid, client, paths, logFrom: Int(from))
    Printer.standard.line("looop-fleet is up (pid \(pid)); its log is \(paths.log)")
  }

  private func environment(_ paths: FleetPaths) -> HostEnvironment {
    var environment = common.environment
    environment["LOOOP_FLEET_STATE"] = paths.state.string
    environment["LOOOP_FLEET_SOCKET"] = paths.socket.string
    return environment
  }

  private func awaitReady(_ pid: pid_t, _ client: ControlClient, _ paths: FleetPaths, logFrom: Int) async throws {
    let clock = HostClock.system
    let until = clock.monotonic() + Self.patience
    while clock.monotonic() < until {
      var status: CInt = 0
      if waitpid(pid, &status, WNOHANG) == pid {
        let said = FileReading.of(paths.log).text.map { String($0.utf8.dropFirst(logFrom)) ?? "" } ?? ""
        throw FleetRefusal(
          .unavailable, "the supervisor did not start",
          hint: said.isEmpty ? "see \(paths.log)" : said.split(separator: "\n").joined(separator: "\n      "))
      }
      if (try? client.probe()) != nil { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw FleetRefusal(.timeout, "the supervisor does not answer yet", hint: "see \(paths.log)")
  }
}
