import CLinux
import Glibc
import Tenant

/// Takes a tenant over: one short helper that runs as the tenant opens what must stay open, and hands it to us over a socket.
/// We never open a tenant's path ourselves; a lock that somebody else holds makes the tenant foreign.
struct TakeOver: Sendable {
  /// The pulse lock, held for as long as this lives: nobody else's pulse runs there meanwhile.
  final class HeldLock: Sendable {
    private let descriptor: CInt
    fileprivate init(_ descriptor: CInt) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  enum Outcome: Sendable {
    /// With what the tenant reports of itself, if its helper could say.
    case held(HeldLock, watches: [CInt: String], report: TenantReport?)
    case foreign(String)
    case failed(String)
  }

  static let deadline = 20.0

  /// Done before the helper starts, on its thread: some fifty system calls, for which nobody else shall wait.
  var prepare: @Sendable () throws -> Void
  var spawn: Spawn
  /// An inotify instance of ours that the helper adds its watches to.
  var inotify: CInt
  /// What the helper writes into the data dir's mark: the control socket and the tenant's name.
  var socket: String
  var tenant: String

  func run() async -> Outcome {
    await Threads.run { [self] in
      do {
        try prepare()
        return try converse()
      } catch {
        return .failed("\(error)")
      }
    }
  }

  private func converse() throws(HostError) -> Outcome {
    var ends: [CInt] = [-1, -1]
    guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw .last("make a socket pair")
    }
    let (ours, theirs) = (ends[0], ends[1])
    defer { close(ours) }
    let errors = try Pipe()
    defer { close(errors.readEnd) }
    var spawn = spawn
    spawn.input = .descriptor(theirs)
    spawn.errors = .descriptor(errors.writeEnd)
    let pid: pid_t
    do {
      defer {
        close(theirs)
        close(errors.writeEnd)
      }
      pid = try spawn.start()
    }
    var timeout = timeval(tv_sec: Int(Self.deadline), tv_usec: 0)
    unsafe setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    let request: JSON = ["socket": .string(socket), "tenant": .string(tenant)]
    let bytes = Array((request.compact + "\n").utf8)
    var lent = inotify
    _ = unsafe bytes.withUnsafeBytes { unsafe clinux_send_descriptors(ours, $0.baseAddress, $0.count, &lent, 1) }
    let (text, descriptors) = receive(ours)
    // It has answered or never will: its exit is not waited for longer than that.
    kill(-pid, SIGKILL)
    var status: CInt = 0
    while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return outcome(text, descriptors, said: HelperRun.lastLine(drain(errors.readEnd)))
  }

  private func receive(_ socket: CInt) -> (text: [UInt8], descriptors: [CInt]) {
    var text: [UInt8] = []
    var descriptors: [CInt] = []
    while text.last != 0x0A, text.count < HelperLimits.report {
      var buffer = [UInt8](repeating: 0, count: 16384)
      var fds = [CInt](repeating: -1, count: 8)
      var count: CInt = 0
      let got = unsafe buffer.withUnsafeMutableBytes {
        unsafe clinux_receive_descriptors(socket, $0.baseAddress, $0.count, &fds, &count)
      }
      if got < 0, errno == EINTR { continue }
      descriptors.append(contentsOf: fds.prefix(Int(count)))
      guard got > 0 else { break }
      text.append(contentsOf: buffer.prefix(got))
    }
    return (text, descriptors)
  }

  private func outcome(_ text: [UInt8], _ descriptors: [CInt], said: String) -> Outcome {
    // Losing the parser's reason is right here: what the helper said on stderr is the better one.
    guard let answer = try? JSON(parsing: text) else {
      for descriptor in descriptors { close(descriptor) }
      return .failed(said.isEmpty ? "its data dir could not be taken over" : String(said.dropFirst(2)))
    }
    guard answer["ok"]?.bool == true, let lock = descriptors.first else {
      for descriptor in descriptors { close(descriptor) }
      if answer["foreign"]?.bool == true {
        let who = answer["pid"]?.int.map { " (pid \($0))" } ?? ""
        return .foreign("another pulse\(who) holds its lock; it is left alone until that is free")
      }
      return .failed(answer["error"]?.string ?? "its data dir could not be taken over")
    }
    for descriptor in descriptors.dropFirst() { close(descriptor) }
    var watches: [CInt: String] = [:]
    for (number, place) in answer["watches"]?.object ?? [:] {
      if let number = CInt(number), let place = place.string { watches[number] = place }
    }
    return .held(HeldLock(lock), watches: watches, report: answer["report"].flatMap(TenantReport.init(json:)))
  }

  private func drain(_ end: CInt) -> [UInt8] {
    _ = fcntl(end, F_SETFL, O_NONBLOCK)
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(end, $0.baseAddress, $0.count) }
    return Array(buffer.prefix(max(0, count)))
  }
}
