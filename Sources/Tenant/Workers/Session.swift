import CLinux
import Glibc
import SystemPackage

/// One supervised process under a terminal, as `sessions/<id>/` records it: `meta.json`, `status.json`, `output.log`,
/// `control.sock`. The pulse (`pulse`) and every worker are sessions.
package struct Session: Hashable, Sendable {
  package enum State: String, Sendable, CaseIterable { case starting, running, exited, killed }

  package var id: String
  package var state: State
  package var command: [String]
  package var exitCode: Int64?
  /// The process that holds the terminal (`babysit_pid`).
  package var holder: Int32
  /// Who that is, beyond its number; `nil` in a record of looop 1.0.
  package var identity: ProcessIdentity?
  package var childPid: Int32?
  package var startedAt: Int64?
  package var lastChange: Int64?
  package var isAlive: Bool

  /// The name of the session that runs the loop itself.
  package static let pulse = ReservedWorkers.pulse
  package var isPulse: Bool { id == Self.pulse }

  /// Over, by its own record or because its holder is gone.
  package var isCorpse: Bool { !isAlive }
}

/// Reads sessions. A directory without a readable `meta.json` is no session: it is skipped and never deleted.
package enum Sessions {
  /// All sessions, sorted by id. Throws where the directory cannot be listed: an unreadable fleet is not an empty one.
  package static func list(_ data: DataDir) throws(HostError) -> [Session] {
    do throws(HostError) {
      return try Directory.names(data.sessions).compactMap { find($0, in: data) }
    } catch {
      if error.isAbsent { return [] }
      throw error
    }
  }

  package static func find(_ id: String, in data: DataDir) -> Session? {
    guard Identifier.isValidSession(id), let meta = StateFile.read(data.session(id).appending("meta.json")).value,
      let holder = meta["babysit_pid"]?.int.flatMap(Int32.init(exactly:))
    else { return nil }
    let status = StateFile.read(data.session(id).appending("status.json")).value
    // A missing status is a session whose holder has not come to write it yet.
    let state = status?["state"]?.string.flatMap(Session.State.init(rawValue:)) ?? .starting
    let identity: ProcessIdentity? =
      if let start = meta["start_time"]?.int, let boot = meta["boot_id"]?.string {
        ProcessIdentity(pid: holder, startTime: start, bootID: boot)
      } else {
        nil
      }
    let isOpen = state == .starting || state == .running
    return Session(
      id: id, state: state, command: meta["cmd"]?.array?.compactMap(\.string) ?? [],
      exitCode: status?["exit_code"]?.int, holder: holder, identity: identity,
      childPid: status?["child_pid"]?.int.flatMap(Int32.init(exactly:)),
      startedAt: meta["started_at"]?.string.flatMap(LocalTime.unix(rfc3339:)),
      lastChange: status?["last_change"]?.string.flatMap(LocalTime.unix(rfc3339:)),
      isAlive: isOpen && isHolderAlive(holder, identity, socket: data.session(id).appending("control.sock")))
  }

  /// Whether anybody lives under this id.
  package static func isAlive(_ id: String, in data: DataDir) -> Bool { find(id, in: data)?.isAlive ?? false }

  /// The rule of looop 1.0 (`kill(pid, 0)` works or is not permitted), less zombies; where the record says who it is, a
  /// recycled pid is not alive. Of one that `/proc` hides from us it is the socket that tells: only a living holder listens.
  private static func isHolderAlive(_ pid: Int32, _ identity: ProcessIdentity?, socket: FilePath) -> Bool {
    if let identity { return identity.isHidden ? SessionControl.isHeld(socket, by: pid) : identity.isAlive }
    guard pid > 0 else { return false }
    if kill(pid, 0) == 0 { return ProcessIdentity.of(pid) != nil }
    return errno == EPERM
  }

  /// Seconds since the worker last printed; `nil` where nobody can know.
  package static func idleSeconds(_ id: String, in data: DataDir, now: Int64) -> Int64? {
    modified(data.session(id).appending("output.log")).map { max(0, now - $0) }
  }

  static func modified(_ path: FilePath) -> Int64? {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return nil }
    return Int64(status.st_mtim.tv_sec)
  }
}

extension LocalTime {
  /// Unix seconds of `2026-06-30T12:05:09[.123][Z|+02:00]`; `nil` where it is not that.
  package static func unix(rfc3339 text: String) -> Int64? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int32? {
      guard range.upperBound <= bytes.count else { return nil }
      var value: Int32 = 0
      for byte in bytes[range] {
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int32(byte - 48)
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19)
    else { return nil }
    var parts = unsafe tm()
    unsafe parts.tm_year = year - 1900
    unsafe parts.tm_mon = month - 1
    unsafe parts.tm_mday = day
    unsafe parts.tm_hour = hour
    unsafe parts.tm_min = minute
    unsafe parts.tm_sec = second
    let base = unsafe Int64(timegm(&parts))
    var rest = bytes[19...]
    if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { $0 >= 48 && $0 <= 57 } }
    guard let sign = rest.first else { return base }
    if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return base }
    let start = rest.startIndex + 1
    guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), let hours = number(start..<(start + 2)),
      let minutes = number((start + 3)..<(start + 5))
    else { return nil }
    let offset = Int64(hours * 3600 + minutes * 60)
    return sign == UInt8(ascii: "+") ? base - offset : base + offset
  }
}
