import CLinux
import Glibc
import SystemPackage

/// The holder's side of `control.sock`: one JSON line in, one out, then closed. A few clients at once, each bounded.
struct SessionSockets: ~Copyable {
  private let listener: OwnedDescriptor
  private var clients: [Client] = []

  private struct Client {
    var socket: CInt
    var text: [UInt8] = []
    var expiresAt: Double
    /// Gets its answer when the session is over.
    var waitsForEnd = false
  }

  struct Request {
    var client: CInt
    var op: String
    var fields: JSON
  }

  static let maximumClients = 16
  static let maximumRequest = 4096
  static let clientSeconds = 5.0

  init(_ path: FilePath) throws {
    let raw = unsafe clinux_unix_socket(path.string, 1)
    guard raw >= 0 else { throw HostError.last("listen on", path) }
    _ = fcntl(raw, F_SETFL, O_NONBLOCK)
    _ = unsafe path.withPlatformString { unsafe chmod($0, 0o600) }
    listener = OwnedDescriptor(owning: raw)
  }

  deinit { for client in clients { close(client.socket) } }

  func appendPollEntries(_ entries: inout [pollfd]) {
    if clients.count < Self.maximumClients {
      entries.append(pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0))
    }
    for client in clients where !client.waitsForEnd {
      entries.append(pollfd(fd: client.socket, events: Int16(POLLIN), revents: 0))
    }
  }

  var nextDeadline: Double? { clients.lazy.filter { !$0.waitsForEnd }.map(\.expiresAt).min() }

  mutating func takeRequests(now: Double) -> [Request] {
    accept(now: now)
    var requests: [Request] = []
    for index in clients.indices.reversed() where !clients[index].waitsForEnd {
      let received = Self.receive(&clients[index])
      switch received {
      case .none where now < clients[index].expiresAt: continue
      case .some(.some(let request)): requests.append(request)
      case .none, .some(.none):
        close(clients[index].socket)
        clients.remove(at: index)
      }
    }
    return requests
  }

  private mutating func accept(now: Double) {
    while clients.count < Self.maximumClients {
      let socket = Glibc.accept(listener.raw, nil, nil)
      guard socket >= 0 else { return }
      _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
      _ = fcntl(socket, F_SETFL, O_NONBLOCK)
      clients.append(Client(socket: socket, expiresAt: now + Self.clientSeconds))
    }
  }

  /// `nil`: not yet. `.some(nil)`: nothing will come of it.
  private static func receive(_ client: inout Client) -> Request?? {
    var buffer = [UInt8](repeating: 0, count: maximumRequest)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(client.socket, $0.baseAddress, $0.count) }
    if count < 0 { return errno == EAGAIN || errno == EINTR ? .none : .some(nil) }
    client.text.append(contentsOf: buffer.prefix(count))
    guard let end = client.text.firstIndex(of: UInt8(ascii: "\n")) else {
      return count == 0 || client.text.count > maximumRequest ? .some(nil) : .none
    }
    guard let json = try? JSON(parsing: Array(client.text[..<end])), let op = json["op"]?.string else {
      return .some(Request(client: client.socket, op: "", fields: .null))
    }
    return .some(Request(client: client.socket, op: op, fields: json))
  }

  mutating func answer(_ socket: CInt, _ answer: JSON) {
    guard let index = clients.firstIndex(where: { $0.socket == socket }) else { return }
    Self.send(answer, to: socket)
    close(socket)
    clients.remove(at: index)
  }

  mutating func answerAtEnd(_ socket: CInt) {
    guard let index = clients.firstIndex(where: { $0.socket == socket }) else { return }
    clients[index].waitsForEnd = true
  }

  /// Tells everybody who waited that the session is over.
  mutating func finish() {
    for client in clients {
      Self.send(["ok": true, "data": ["killed": true]], to: client.socket)
      close(client.socket)
    }
    clients = []
  }

  private static func send(_ answer: JSON, to socket: CInt) {
    let line = Array((answer.compact + "\n").utf8)
    // Answers are far smaller than a socket's buffer, but for logs and screens: those may take a moment.
    _ = fcntl(socket, F_SETFL, 0)
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    _ = unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var offset = 0
    while offset < line.count {
      let count = unsafe line.withUnsafeBytes { unsafe write(socket, $0.baseAddress! + offset, $0.count - offset) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      offset += count
    }
  }
}
