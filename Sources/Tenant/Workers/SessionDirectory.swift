import Glibc
import SystemPackage

/// `sessions/<id>/` as its holder writes it. It appears whole, with its `meta.json`, by one rename: nobody ever sees half a
/// session, and of two starters of one id exactly one succeeds.
struct SessionDirectory: Sendable {
  let path: FilePath
  private let published: FilePath

  static func stage(_ options: SessionOptions) throws -> SessionDirectory {
    let data = options.data
    try Directory.create(data.sessions)
    let staged = SessionDirectory(
      path: data.sessions.appending(".\(getpid()).tmp"), published: data.session(options.id))
    try Directory.removeTree(staged.path)
    try Directory.create(staged.path, mode: 0o700)
    let clock = HostClock.system
    let identity = ProcessIdentity.of(getpid())
    let meta: JSON = [
      "id": .string(options.id), "cmd": .array(options.command.map(JSON.string)), "babysit_pid": .int(Int64(getpid())),
      "started_at": .string(LocalTime.utc(clock.now).rfc3339), "start_time": .optional(identity?.startTime),
      "boot_id": .optional(identity?.bootID),
    ]
    try StateFile.write(meta, to: staged.path.appending("meta.json"))
    staged.writeStatus(.starting, child: nil, exitCode: nil, clock: clock)
    return staged
  }

  func publish() throws -> SessionDirectory {
    guard AtomicFile.rename(from: path, to: published) == 0 else {
      let error = HostError.last("create session", published)
      if error.errno == ENOTEMPTY || error.errno == EEXIST {
        throw Refusal(.alreadyExists, "session \(published.lastComponent?.string ?? "") exists already")
      }
      throw error
    }
    return SessionDirectory(path: published, published: published)
  }

  func discard() { try? Directory.removeTree(path) }

  func writeStatus(_ state: Session.State, child: Int32?, exitCode: Int32?, clock: HostClock) {
    let status: JSON = [
      "state": .string(state.rawValue), "child_pid": .optional(child.map(Int64.init)),
      "exit_code": .optional(exitCode.map(Int64.init)), "last_change": .string(LocalTime.utc(clock.now).rfc3339),
    ]
    let temporary = path.appending("status.json.tmp")
    do {
      let file = try OwnedDescriptor(opening: temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
      try file.writeAll(Array((status.pretty + "\n").utf8), temporary)
      try file.closeChecked(temporary)
    } catch {
      // A full disk: readers go by the holder's life, and the worker must not suffer.
      return
    }
    _ = AtomicFile.rename(from: temporary, to: path.appending("status.json"))
  }

  func status(_ options: SessionOptions) -> JSON {
    var json = StateFile.read(path.appending("status.json")).value ?? .object([:])
    json["id"] = .string(options.id)
    json["cmd"] = .array(options.command.map(JSON.string))
    json["babysit_pid"] = .int(Int64(getpid()))
    return json
  }

  func removeSocket() { AtomicFile.remove(path.appending("control.sock")) }
}
