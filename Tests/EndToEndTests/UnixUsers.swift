import Glibc
import SystemPackage
import Tenant
import TestSupport

/// Unix users for the time of a test, with homes that nobody else looks into; what still runs as one of them at the end is ended.
final class UnixUsers: Sendable {
  let names: [String]

  init(_ names: [String]) throws {
    self.names = names
    for user in names {
      _ = try RunningProcess.run(
        "/usr/sbin/useradd", ["--create-home", "--key", "HOME_MODE=0700", "--shell", "/bin/bash", user])
    }
  }

  deinit {
    for user in names {
      _ = try? RunningProcess.shell("for p in $(ps -o pid= -U \(user)); do kill -9 $p; done; userdel --remove \(user)")
    }
  }

  static func give(_ path: FilePath, to user: String) throws {
    let given = try RunningProcess.run("/bin/chown", ["-R", "\(user):", path.string])
    guard given.exitCode == 0 else { throw TestFailure(given.errors) }
  }

  /// Processes of a user that have not ended, as `ps` shows them.
  static func processes(of user: String) throws -> [String] {
    try RunningProcess.run("/bin/ps", ["-u", user, "-o", "stat=,pid=,args="]).output
      .split(separator: "\n").filter { !$0.hasPrefix("Z") }.map(String.init)
  }
}

extension FleetUnderTest {
  /// `looop` as the tenant's user on its data dir.
  @discardableResult
  func looop(_ tenant: String, as user: String, _ arguments: String...) throws -> FinishedProcess {
    try RunningProcess.run(
      "/usr/sbin/runuser",
      ["-u", user, "--", "/usr/bin/env", "LOOOP_DATA_DIR=\(dataDir(tenant).root)", BuiltProducts.looop.string]
        + arguments)
  }

  /// Wishes for a worker that runs this script; throws where the wish is refused. Before the fleet has taken the data dir over
  /// it would be a loop of its own, and start it itself.
  func wish(_ id: String, of tenant: String, as user: String, _ script: String) throws {
    guard eventually(within: 30, { FileReading.of(dataDir(tenant).fleetMark) != .absent }) else {
      throw TestFailure("\(tenant) is not taken over: \(log)")
    }
    let wished = try looop(tenant, as: user, "_", "worker", "start", id, script)
    guard wished.exitCode == 0 else { throw TestFailure(wished.errors) }
  }
}
