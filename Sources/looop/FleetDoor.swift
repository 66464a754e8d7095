import Glibc
import SystemPackage
import Tenant

/// The way from `looop` to a fleet: one request of HTTP over the control socket, blocking. `looop` links no HTTP library for
/// the two requests that it ever makes.
struct FleetDoor {
  struct Reply {
    var status: Int
    var body: [UInt8]
    var json: JSON? { try? JSON(parsing: body) }
  }

  let socket: FilePath

  /// Where a fleet may listen: the named one only, else the user's own and the machine's.
  static func sockets(_ environment: HostEnvironment, isRoot: Bool) -> [FilePath] {
    if let named = environment["LOOOP_FLEET_SOCKET"] { return [FilePath(named)] }
    if let state = environment["LOOOP_FLEET_STATE"] { return [FilePath(state).appending("fleet.sock")] }
    let machine: FilePath = "/run/looop-fleet/fleet.sock"
    if isRoot { return [machine] }
    let state = environment["XDG_STATE_HOME"] ?? environment["HOME"].map { "\($0)/.local/state" }
    let own = [environment["XDG_RUNTIME_DIR"], state].compactMap { $0 }
    return own.map { FilePath($0).appending("looop-fleet").appending("fleet.sock") } + [machine]
  }

  /// `nil` where nobody listens there.
  func request(_ method: String, _ path: String, body: JSON? = nil) throws(Failure) -> Reply? {
    guard let descriptor = try connected() else { return nil }
    defer { close(descriptor) }
    let payload = body.map { Array($0.compact.utf8) } ?? []
    var head = "\(method) \(path) HTTP/1.1\r\nHost: looop\r\nConnection: close\r\nAccept: application/json\r\n"
    if body != nil { head += "Content-Type: application/json\r\nContent-Length: \(payload.count)\r\n" }
    try send(Array((head + "\r\n").utf8) + payload, to: descriptor)
    return try Self.parse(try receive(from: descriptor))
  }

  static func escaped(_ component: String) -> String {
    component.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }

  private func connected() throws(Failure) -> CInt? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(socket.string.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
      guard bytes.count < room.count else { return false }
      room.copyBytes(from: bytes)
      return true
    }
    guard fits else { throw Failure("the socket's path is too long: \(socket)") }
    let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure("\(HostError.last("open a socket"))") }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected != 0 else { return descriptor }
    let reason = errno
    close(descriptor)
    if reason == ENOENT || reason == ECONNREFUSED || reason == ENOTDIR { return nil }
    throw Failure(
      "\(HostError("connect to", socket, errno: reason))", hint: "you may lack the right to reach this fleet")
  }

  private func send(_ bytes: [UInt8], to descriptor: CInt) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure("\(HostError.last("send to", socket))")
      }
      rest = rest.dropFirst(count)
    }
  }

  private func receive(from descriptor: CInt) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure("\(HostError.last("read from", socket))")
      }
      bytes.append(contentsOf: buffer[..<count])
      guard bytes.count <= 64 << 20 else { throw Failure("the fleet's answer is larger than 64 MiB") }
    }
  }

  /// Status line, header fields, body: whole (the connection was closed), of a stated length, or in chunks.
  static func parse(_ bytes: [UInt8]) throws(Failure) -> Reply {
    let broken = Failure("the fleet's answer cannot be read", hint: "is something else listening on its socket?")
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw broken }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw broken }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...]).trimmed
    }
    let body = bytes[end.upperBound...]
    if fields["transfer-encoding"]?.lowercased() == "chunked" {
      guard let whole = joined(chunks: body) else { throw broken }
      return Reply(status: status, body: whole)
    }
    if let length = fields["content-length"].flatMap({ Int($0) }) {
      guard length >= 0, body.count >= length else { throw broken }
      return Reply(status: status, body: Array(body.prefix(length)))
    }
    return Reply(status: status, body: Array(body))
  }

  private static func joined(chunks: ArraySlice<UInt8>) -> [UInt8]? {
    var whole: [UInt8] = []
    var rest = chunks
    while let line = rest.firstRange(of: [13, 10]) {
      let size = String(decoding: rest[..<line.lowerBound].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
      guard let count = Int(size.trimmed, radix: 16), count >= 0, rest[line.upperBound...].count >= count else {
        return nil
      }
      if count == 0 { return whole }
      whole.append(contentsOf: rest[line.upperBound...].prefix(count))
      rest = rest[line.upperBound...].dropFirst(count + 2)
    }
    return nil
  }
}
