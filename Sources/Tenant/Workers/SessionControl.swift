import CLinux
import Glibc
package import SystemPackage

/// The client of a session's `control.sock`: one JSON line there, one back.
package struct SessionControl: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  /// Throws ``Refusal`` `notFound` where nobody listens, `unavailable` where the answer is an error.
  package func request(
    _ op: String, _ id: String, _ fields: JSON = .object([:]), timeoutSeconds: Double = 15
  ) throws -> JSON {
    let path = data.session(id).appending("control.sock")
    let raw = unsafe clinux_unix_socket(path.string, 0)
    guard raw >= 0 else {
      let error = HostError.last("reach the session", path)
      throw Refusal(.notFound, "session \(id) is not running (\(error))")
    }
    let socket = OwnedDescriptor(owning: raw)
    var limit = timeval(tv_sec: Int(timeoutSeconds), tv_usec: 0)
    _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var request = fields
    request["op"] = .string(op)
    let line = Array((request.compact + "\n").utf8)
    guard
      unsafe line.withUnsafeBytes({ unsafe send(socket.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) })
        == line.count
    else { throw Refusal(.unavailable, "session \(id) does not listen (\(HostError.last("send")))") }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while !answer.contains(UInt8(ascii: "\n")), answer.count < FileReading.maximumBytes {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(socket.raw, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      answer.append(contentsOf: buffer.prefix(count))
    }
    guard let json = try? JSON(parsing: answer) else {
      throw Refusal(.unavailable, "session \(id) ended without an answer")
    }
    guard json["ok"]?.bool == true else {
      throw Refusal(.unavailable, json["error"]?.string ?? "session \(id) refused \(op)")
    }
    return json["data"] ?? .null
  }

  /// Whether the one who listens there is this process. Nothing is asked of it: it may be frozen.
  package static func isHeld(_ socket: FilePath, by holder: Int32) -> Bool {
    let listener = unsafe clinux_unix_listener(socket.string)
    if listener >= 0 { return listener == holder }
    // Nobody listens any more. Anything else (a full queue, no descriptor left) says nothing about the holder.
    return ![ENOENT, ECONNREFUSED, ENOTDIR].contains(errno)
  }

  /// Ends a live session and waits until it is over: SIGHUP, then SIGKILL for whatever is left of it.
  /// Throws ``Refusal`` `notFound` where the session is not alive.
  package func kill(_ id: String) throws {
    guard let session = Sessions.find(id, in: data), session.isAlive else {
      throw Refusal(.notFound, "session \(id) is not running")
    }
    do {
      _ = try request("kill", id)
    } catch let refusal as Refusal {
      // The holder went away between question and answer: what matters is that it is over.
      guard Sessions.isAlive(id, in: data) else {
        SessionLeftovers.end(session)
        return
      }
      // It lives and does not listen: its signal path does the same.
      guard refusal.code == .notFound, Glibc.kill(session.holder, SIGTERM) == 0 else { throw refusal }
      try waitForEnd(session)
    }
  }

  private func waitForEnd(_ session: Session) throws {
    let descriptor = clinux_pidfd_open(session.holder)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&entry, 1, 10_000) > 0 else {
      throw Refusal(.timeout, "session \(session.id) does not end")
    }
  }
}
