import ArgumentParser
import Fleet
import Glibc
import Tenant

/// Stops the supervisor. Workers go on by default: the next supervisor adopts them.
struct DownCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Stop the supervisor that `up` started.",
    discussion: "Live workers go on, and the next supervisor adopts them, unless --workers stops them too.")

  @OptionGroup var common: CommonOptions
  @Flag(help: "Stop every tenant's workers as well.")
  var workers = false

  private static let patience = 30.0
  private static let drainPatience = Duration.seconds(300)

  func run() async throws {
    let client = try common.client()
    let status = try await client.get("/v1/status")
    guard let pid = status["fleet"]?["pid"]?.int.flatMap({ Int32(exactly: $0) }),
      let process = ProcessIdentity.of(pid)
    else { throw FleetRefusal(.internal, "the fleet does not say which process it is") }
    if workers {
      // A tenant's processes have a grace to end in, and a record each to write.
      let outcome = try await client.post("/v1/drain", timeout: Self.drainPatience)
      let stopped = (outcome["stopped"]?.array ?? []).compactMap(\.string)
      if !stopped.isEmpty {
        Printer.standard.line("stopped \(stopped.count) workers (\(stopped.joined(separator: ", ")))")
      }
    }
    guard kill(pid, SIGTERM) == 0 else { throw HostError.last("stop the supervisor (pid \(pid))") }
    let clock = HostClock.system
    let until = clock.monotonic() + Self.patience
    while process.isAlive {
      guard clock.monotonic() < until else {
        throw FleetRefusal(.timeout, "the supervisor (pid \(pid)) has not ended after \(Int(Self.patience)) s")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    Printer.standard.line("looop-fleet is down")
  }
}
