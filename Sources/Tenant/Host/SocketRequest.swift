import CLinux
import Glibc
package import SystemPackage

/// One request of HTTP/1.1 over a Unix socket, blocking, on a connection of its own. Programs that live for one request need no
/// event loop: to start one takes longer than the request.
package struct SocketRequest: Sendable {
  package enum Failure: Error, Hashable, Sendable {
    /// No such socket, or nobody behind it.
    case nobodyListens
    case cannotConnect(HostError)
    /// The connection was there and went away.
    case broken(HostError)
    case timedOut
    case tooLarge
    /// What came is no HTTP.
    case notUnderstood
  }

  package struct Reply: Hashable, Sendable {
    package var status: Int
    package var body: [UInt8]
    package var json: JSON? { try? JSON(parsing: body) }
  }

  /// The largest document: a thousand tenants with their asks.
  package static let maximumReply = 64 << 20

  package var socket: FilePath
  package var method: String
  /// Path and query, encoded.
  package var target: String
  package var userAgent: String
  package var body: JSON?
  /// In seconds, for all of it.
  package var timeout: Double

  package init(
    _ method: String, _ target: String, socket: FilePath, userAgent: String, body: JSON? = nil, timeout: Double = 60
  ) {
    self.method = method
    self.target = target
    self.socket = socket
    self.userAgent = userAgent
    self.body = body
    self.timeout = timeout
  }

  package func run() throws(Failure) -> Reply {
    let deadline = HostClock.system.monotonic() + timeout
    let connection = try connect()
    var head = "\(method) \(target) HTTP/1.1\r\nHost: fleet\r\nUser-Agent: \(userAgent)\r\nConnection: close\r\n"
    let payload = body.map { Array($0.compact.utf8) } ?? []
    if body != nil { head += "Content-Type: application/json\r\nContent-Length: \(payload.count)\r\n" }
    try send(Array((head + "\r\n").utf8) + payload, connection, deadline)
    return try Self.parse(try receive(connection, deadline))
  }

  /// Whether anybody listens; nothing is asked.
  package func connect() throws(Failure) -> OwnedDescriptor {
    let descriptor = unsafe clinux_unix_socket(socket.string, 0)
    guard descriptor < 0 else { return OwnedDescriptor(owning: descriptor) }
    switch errno {
    case ENOENT, ECONNREFUSED, ENOTDIR: throw .nobodyListens
    default: throw .cannotConnect(.last("connect to", socket))
    }
  }

  private func send(
    _ bytes: [UInt8], _ connection: borrowing OwnedDescriptor, _ deadline: Double
  ) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      try ready(connection, POLLOUT, deadline)
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(connection.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
      }
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        // It may have answered before it hung up: a request that is too large is refused so.
        if errno == EPIPE || errno == ECONNRESET { return }
        throw .broken(.last("send to", socket))
      }
      rest = rest.dropFirst(count)
    }
  }

  private func receive(_ connection: borrowing OwnedDescriptor, _ deadline: Double) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      try ready(connection, POLLIN, deadline)
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(connection.raw, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        throw .broken(.last("read from", socket))
      }
      bytes.append(contentsOf: buffer[..<count])
      guard bytes.count <= Self.maximumReply else { throw .tooLarge }
    }
  }

  private func ready(_ connection: borrowing OwnedDescriptor, _ events: CInt, _ deadline: Double) throws(Failure) {
    while true {
      let left = deadline - HostClock.system.monotonic()
      guard left > 0 else { throw .timedOut }
      var entry = pollfd(fd: connection.raw, events: Int16(events), revents: 0)
      let count = unsafe poll(&entry, 1, CInt(min(left * 1000 + 1, 3_600_000)))
      if count > 0 { return }
      if count < 0, errno != EINTR { throw .broken(.last("wait for", socket)) }
    }
  }

  // MARK: - The answer

  /// Status line, header fields, body: whole (the connection was closed), of a stated length, or in chunks.
  package static func parse(_ bytes: [UInt8]) throws(Failure) -> Reply {
    guard let end = headEnd(bytes) else { throw .notUnderstood }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .notUnderstood }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...]).trimmedSpace
    }
    let body = bytes[(end + 4)...]
    if fields["transfer-encoding"]?.lowercased() == "chunked" {
      guard let whole = joined(chunks: body) else { throw .notUnderstood }
      return Reply(status: status, body: whole)
    }
    if let length = fields["content-length"].flatMap({ Int($0) }) {
      guard length >= 0, body.count >= length else { throw .notUnderstood }
      return Reply(status: status, body: Array(body.prefix(length)))
    }
    return Reply(status: status, body: Array(body))
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    let mark: [UInt8] = [13, 10, 13, 10]
    return bytes.indices.first { bytes[$0] == 13 && bytes[$0...].starts(with: mark) }
  }

  private static func joined(chunks: ArraySlice<UInt8>) -> [UInt8]? {
    var whole: [UInt8] = []
    var rest = chunks
    while let line = rest.firstIndex(of: 13) {
      let size = String(decoding: rest[..<line].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
      let data = rest[line...].dropFirst(2)
      guard let count = Int(size.trimmedSpace, radix: 16), count >= 0, data.count >= count else { return nil }
      if count == 0 { return whole }
      whole.append(contentsOf: data.prefix(count))
      rest = data.dropFirst(count + 2)
    }
    return nil
  }
}
