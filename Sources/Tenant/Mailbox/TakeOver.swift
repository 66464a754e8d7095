import CLinux
import Glibc
import SystemPackage

/// `looop _ hold`: the one process by which a fleet takes a tenant over. It runs as the tenant, opens what must stay open (the
/// pulse's lock, the watches on the tenant's directories), hands the descriptors over the Unix socket on its stdin, and goes.
/// So the supervisor never opens a path of a tenant itself.
package struct TakeOver: Sendable {
  package let data: DataDir
  /// Of `.fleet.json`: the fleet's socket and this tenant's name in it.
  package var fleetSocket: String
  package var tenant: String

  package init(_ data: DataDir, fleetSocket: String, tenant: String) {
    self.data = data
    self.fleetSocket = fleetSocket
    self.tenant = tenant
  }

  /// What is watched: name in the answer, directory below DATA.
  private static let watched: [(String, String?)] = [
    ("data", nil), ("goals", "goals"), ("asks", "asks"), ("answers", "answers"),
    ("workers", "workers"), ("schedules", "schedules"), ("sensors", "sensors"), ("parked", "parked"),
  ]

  /// Takes over and answers on `socket`. The result is the exit status: 0 also where somebody else holds the tenant, for
  /// that is an answer, not a failure.
  ///
  /// - report: what the fleet would ask for next; made once the watches are there, so nothing that comes later is missed.
  package func run(socket: CInt, report: () -> JSON? = { nil }) -> CInt {
    let request = receive(socket)
    do {
      // A place that is not there is a mistake in the fleet's configuration, not a wish for a new loop.
      guard Directory.exists(data.root) else { throw HostError("open data dir", data.root, errno: ENOENT) }
      try Directory.create(data.lockDirectory)
      guard let lock = try FileLock.tryTaking(data.pulseLock) else {
        let holder = FileReading.of(data.pulsePid, maximumBytes: 64).text.flatMap { Int64($0.trimmedDigits) }
        return send(["foreign": true, "pid": .optional(holder)], [], socket) ? 0 : 1
      }
      let watch = try request.inotify.map { FileWatch(owning: OwnedDescriptor(owning: $0)) } ?? FileWatch()
      let isOurs = request.inotify == nil
      let watches = try addWatches(watch)
      try mark(request.fleet)
      let descriptors = isOurs ? [lock.descriptor.raw, watch.descriptor.raw] : [lock.descriptor.raw]
      var answer: JSON = ["ok": true, "watches": .object(watches)]
      answer["report"] = report()
      let sent = send(answer, descriptors, socket)
      // Sent or not, our own copies close with us; a lock that arrived lives on there.
      _ = consume lock
      return sent ? 0 : 1
    } catch {
      _ = send(["ok": false, "error": .string("\(error)")], [], socket)
      return 1
    }
  }

  private func addWatches(_ watch: borrowing FileWatch) throws(HostError) -> [String: JSON] {
    var names: [String: JSON] = [:]
    for (name, directory) in Self.watched {
      let path = directory.map { data.root.appending($0) } ?? data.root
      if directory != nil { try Directory.create(path) }
      let number = try watch.add(path)
      names[String(number)] = .string(name)
    }
    return names
  }

  /// Written only when it differs: an adopted tenant is not disturbed.
  private func mark(_ fleet: JSON?) throws(HostError) {
    let mark: JSON = [
      "v": 1, "socket": .string(fleet?["socket"]?.string ?? fleetSocket),
      "tenant": .string(fleet?["tenant"]?.string ?? tenant),
    ]
    if StateFile.read(data.fleetMark).value == mark { return }
    try StateFile.write(mark, to: data.fleetMark)
  }

  /// Gives the tenant back to its owner: without the mark `looop up` may run it again. The supervisor asks for it while it still
  /// holds the lock. A mark that names another fleet or tenant is not ours to remove.
  package func release() throws(HostError) {
    switch StateFile.read(data.fleetMark) {
    case .absent: return
    case .value(let mark):
      guard mark["socket"]?.string == fleetSocket, mark["tenant"]?.string == tenant else { return }
    case .unreadable, .corrupt: break
    }
    AtomicFile.remove(data.fleetMark)
    guard case .absent = FileReading.of(data.fleetMark) else { throw .last("remove", data.fleetMark) }
  }

  // MARK: The socket

  private struct Request {
    var inotify: CInt?
    /// `{"socket","tenant"}`: who takes over, where the supervisor says it.
    var fleet: JSON?
  }

  /// The supervisor's first message: a byte or a line, with its inotify descriptor if it has one already.
  private func receive(_ socket: CInt) -> Request {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&entry, 1, 5000) > 0 else { return Request() }
    var bytes = [UInt8](repeating: 0, count: 4096)
    var descriptors = [CInt](repeating: -1, count: 8)
    var count: CInt = 0
    let got = unsafe bytes.withUnsafeMutableBytes {
      unsafe clinux_receive_descriptors(socket, $0.baseAddress!, $0.count, &descriptors, &count)
    }
    guard got >= 0 else { return Request() }
    // A bare byte is a request too: it only names nobody.
    let fleet = try? JSON(parsing: Array(bytes.prefix(got)))
    guard count > 0 else { return Request(fleet: fleet) }
    for extra in descriptors[1..<Int(count)] { close(extra) }
    return Request(inotify: descriptors[0], fleet: fleet)
  }

  private func send(_ answer: JSON, _ descriptors: [CInt], _ socket: CInt) -> Bool {
    let line = Array((answer.compact + "\n").utf8)
    let sent = unsafe line.withUnsafeBytes {
      unsafe clinux_send_descriptors(socket, $0.baseAddress!, $0.count, descriptors, CInt(descriptors.count))
    }
    return sent == line.count
  }
}

extension String {
  fileprivate var trimmedDigits: String { String(drop { !$0.isNumber }.prefix { $0.isNumber }) }
}
