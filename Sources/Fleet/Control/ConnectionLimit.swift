import NIOCore
import Tenant

/// Counts open connections by Unix user, so that one user cannot take them all. Root and the supervisor's own user always get in.
package final class ConnectionLimit: Sendable {
  /// An agent with a few waits and an event stream uses five.
  package static let perUser = 64
  /// Everybody else together; the rest of the supervisor's descriptors is for its work.
  package static let total = 512

  private let owner: UInt32
  private let perUser: Int
  private let total: Int
  private let open = Locked<(byUser: [UInt32: Int], total: Int)>(([:], 0))

  package init(owner: UInt32, perUser: Int = ConnectionLimit.perUser, total: Int = ConnectionLimit.total) {
    self.owner = owner
    self.perUser = perUser
    self.total = total
  }

  func isPrivileged(_ uid: UInt32) -> Bool { uid == 0 || uid == owner }

  /// false: the connection is one too many and was not counted.
  package func opened(by uid: UInt32) -> Bool {
    guard !isPrivileged(uid) else { return true }
    return open.withLock { open in
      guard open.total < total, open.byUser[uid, default: 0] < perUser else { return false }
      open.total += 1
      open.byUser[uid, default: 0] += 1
      return true
    }
  }

  package func closed(by uid: UInt32) {
    guard !isPrivileged(uid) else { return }
    open.withLock { open in
      open.total -= 1
      let left = open.byUser[uid, default: 1] - 1
      open.byUser[uid] = left > 0 ? left : nil
    }
  }
}

/// Stands in each connection's pipeline and closes what is one too many.
final class ConnectionGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let limit: ConnectionLimit
  /// Only touched on the channel's event loop.
  private var uid: UInt32?

  init(_ limit: ConnectionLimit) { self.limit = limit }

  func handlerAdded(context: ChannelHandlerContext) {
    guard let future = PeerCredentials.future(of: context.channel) else { return }
    let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    // On a socket's own event loop the answer is there at once.
    future.whenComplete { result in
      let (gate, context) = loopBound.value
      guard case .success(let peer) = result, gate.limit.opened(by: peer.uid) else {
        context.close(promise: nil)
        return
      }
      gate.uid = peer.uid
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if let uid { limit.closed(by: uid) }
    uid = nil
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    if let uid { limit.closed(by: uid) }
    uid = nil
  }
}
