import Glibc
import NIOCore

/// Who connected, as the kernel recorded it at `connect`. Nothing that the peer sends can change it.
package struct PeerCredentials: Hashable, Sendable {
  package var pid: Int32
  package var uid: UInt32
  package var gid: UInt32

  package init(pid: Int32, uid: UInt32, gid: UInt32) {
    self.pid = pid
    self.uid = uid
    self.gid = gid
  }

  /// nil where the channel is no Unix socket; then nobody has any role.
  static func future(of channel: any Channel) -> EventLoopFuture<PeerCredentials>? {
    guard let socket = channel as? any SocketOptionProvider else { return nil }
    // SAFETY: Linux fills a `struct ucred`, which is these three 32-bit numbers in this order.
    let future: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
      level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET), name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    return future
  }

  static func of(_ channel: any Channel) async -> PeerCredentials? {
    // Who cannot be known gets no role: losing the cause only makes the refusal shorter.
    try? await future(of: channel)?.get()
  }
}
