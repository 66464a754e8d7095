import Glibc
package import SystemPackage
package import Tenant

/// Where a client finds the fleet. A plain user's own fleet comes first; without one, the host's.
package enum ControlSocket {
  package static let system: FilePath = "/run/looop-fleet/fleet.sock"

  package static func find(paths: FleetPaths, environment: HostEnvironment) -> FilePath {
    // Who names a socket, or a state directory, means that one.
    if environment["LOOOP_FLEET_SOCKET"] != nil || environment["LOOOP_FLEET_STATE"] != nil { return paths.socket }
    return exists(paths.socket) || !exists(system) ? paths.socket : system
  }

  private static func exists(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, F_OK) } == 0
  }
}
