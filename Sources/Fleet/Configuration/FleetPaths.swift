package import SystemPackage
package import Tenant

/// Where a fleet's files are.
///
/// Root: `/etc/looop-fleet`, `/var/lib/looop-fleet`, `/run/looop-fleet/fleet.sock`. A plain user: below `XDG_CONFIG_HOME`,
/// `XDG_STATE_HOME` and `XDG_RUNTIME_DIR`, where the socket falls back to the state directory. `--config` and then
/// `LOOOP_FLEET_CONFIG` name another configuration, `LOOOP_FLEET_STATE` another state directory (with the socket in it),
/// `LOOOP_FLEET_SOCKET` another socket.
package struct FleetPaths: Sendable, Hashable {
  package let configuration: FilePath
  package let state: FilePath
  package let socket: FilePath

  package var ledger: FilePath { state.appending("ledger.sqlite") }
  /// Held for as long as a supervisor lives, and before it binds the socket.
  package var lock: FilePath { state.appending("fleet.lock") }
  package var sandboxes: FilePath { state.appending("sandboxes") }
  /// Room for the ledger where there is no other.
  package var reserve: FilePath { state.appending("reserve") }
  /// Which ports the sandboxes have.
  package var ports: FilePath { state.appending("ports.json") }
  /// How repositories stood before their workers came.
  package var baselines: FilePath { state.appending("baselines") }
  package var log: FilePath { state.appending("fleet.log") }
  package func sandboxes(of tenant: TenantID) -> FilePath { sandboxes.appending(tenant.name) }

  package init(configuration: FilePath, state: FilePath, socket: FilePath) {
    self.configuration = configuration
    self.state = state
    self.socket = socket
  }

  /// `option` is what `--config` said. Throws when a plain user's home cannot be told, or a given path is relative.
  package init(environment: HostEnvironment, userID: UInt32, option: String? = nil) throws(FleetPathError) {
    let lookup = Lookup(environment: environment, isRoot: userID == 0)
    configuration = try lookup.configuration(option)
    state = try lookup.state()
    socket = try lookup.socket(state)
    guard socket.string.utf8.count <= Self.longestSocketPath else {
      throw FleetPathError(
        message:
          "the socket's path is longer than \(Self.longestSocketPath) bytes: \(socket); set LOOOP_FLEET_SOCKET to a shorter one"
      )
    }
  }

  /// `sun_path` less its closing zero.
  package static let longestSocketPath = 107
}

/// Where each lies: a variable of ours, else the machine's place (root), else the user's own by XDG.
private struct Lookup {
  var environment: HostEnvironment
  var isRoot: Bool

  func configuration(_ option: String?) throws(FleetPathError) -> FilePath {
    if let option {
      // Relative to where it was typed, so the caller makes it absolute.
      guard FilePath(option).isAbsolute else {
        throw FleetPathError(message: "--config must be an absolute path, not `\(option)`")
      }
      return FilePath(option).lexicallyNormalized()
    }
    if let path = try given("LOOOP_FLEET_CONFIG") { return path }
    return isRoot ? "/etc/looop-fleet" : try directory("XDG_CONFIG_HOME", else: ".config")
  }

  func state() throws(FleetPathError) -> FilePath {
    if let path = try given("LOOOP_FLEET_STATE") { return path }
    return isRoot ? "/var/lib/looop-fleet" : try directory("XDG_STATE_HOME", else: ".local/state")
  }

  func socket(_ state: FilePath) throws(FleetPathError) -> FilePath {
    if let path = try given("LOOOP_FLEET_SOCKET") { return path }
    if environment["LOOOP_FLEET_STATE"] != nil { return state.appending("fleet.sock") }
    if isRoot { return "/run/looop-fleet/fleet.sock" }
    if let runtime = environment["XDG_RUNTIME_DIR"], FilePath(runtime).isAbsolute {
      return FilePath(runtime).appending("looop-fleet").appending("fleet.sock")
    }
    return state.appending("fleet.sock")
  }

  private func given(_ name: String) throws(FleetPathError) -> FilePath? {
    guard let text = environment[name] else { return nil }
    guard FilePath(text).isAbsolute else {
      throw FleetPathError(message: "\(name) must be an absolute path, not `\(text)`")
    }
    return FilePath(text).lexicallyNormalized()
  }

  /// XDG: a relative path in these is to be ignored.
  private func directory(_ name: String, else fallback: String) throws(FleetPathError) -> FilePath {
    if let text = environment[name], FilePath(text).isAbsolute { return FilePath(text).appending("looop-fleet") }
    guard let home = environment["HOME"], FilePath(home).isAbsolute else {
      throw FleetPathError(message: "neither \(name) nor HOME says where the fleet's files are")
    }
    return FilePath(home).appending(FilePath(fallback).components).appending("looop-fleet")
  }
}

package struct FleetPathError: Error, Sendable, Hashable, CustomStringConvertible {
  package let message: String
  package var description: String { message }
}
