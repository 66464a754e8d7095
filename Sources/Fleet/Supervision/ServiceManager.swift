import CLinux
import Glibc
package import Tenant

/// What systemd is told: that we are ready, that we are alive, that we are going. Without systemd it does nothing.
package struct ServiceManager: Sendable {
  private let socket: String?
  /// How often it wants a sign of life, in seconds.
  package let watchdog: Double?

  package init(environment: HostEnvironment) {
    socket = environment["NOTIFY_SOCKET"]
    let isOurs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
    watchdog = isOurs ? environment["WATCHDOG_USEC"].flatMap(Double.init).map { $0 / 1e6 / 2 } : nil
  }

  package func tell(_ state: String) {
    guard let socket, socket.hasPrefix("/") || socket.hasPrefix("@") else { return }
    let bytes = Array(state.utf8)
    // A lost message is a late one at worst: the watchdog's next one follows.
    _ = unsafe bytes.withUnsafeBytes { unsafe clinux_notify(socket, $0.baseAddress, $0.count) }
  }
}
