import CLinux
import Glibc
import SystemPackage

/// A process that cannot be mistaken for a later one with the same number: pid, start time and boot.
package struct ProcessIdentity: Hashable, Sendable {
  package var pid: Int32
  /// Clock ticks after boot, as `/proc/PID/stat` gives it.
  package var startTime: Int64
  package var bootID: String

  package init(pid: Int32, startTime: Int64, bootID: String) {
    self.pid = pid
    self.startTime = startTime
    self.bootID = bootID
  }

  /// Who has this pid now; `nil` when nobody has, or only a zombie.
  package static func of(_ pid: Int32) -> ProcessIdentity? {
    guard let stat = ProcessStat.of(pid), !stat.isEnded else { return nil }
    return ProcessIdentity(pid: pid, startTime: stat.startTime, bootID: currentBootID)
  }

  package static let currentBootID: String = {
    let text = FileReading.of("/proc/sys/kernel/random/boot_id", maximumBytes: 256).text ?? "unknown"
    return String(text.prefix { !$0.isWhitespace })
  }()

  /// Where `/proc` hides the process, whoever has its number in its boot counts as it: what cannot be seen is not declared dead.
  package var isAlive: Bool { ProcessIdentity.of(pid).map { $0 == self } ?? isHidden }

  /// There is a process of this number that `/proc` does not show us. `hidepid` hides whom we may not trace, and inside Landlock
  /// those are all that were not started within the same rules: a report's worker, though it is of the same user.
  package var isHidden: Bool {
    guard pid > 0, bootID == ProcessIdentity.currentBootID, ProcessIdentity.of(pid) == nil else { return false }
    let raw = clinux_pidfd_open(pid)
    guard raw >= 0 else { return false }
    let held = OwnedDescriptor(owning: raw)
    var entry = pollfd(fd: held.raw, events: Int16(POLLIN), revents: 0)
    // Ready to be read once it has ended: a zombie.
    return unsafe poll(&entry, 1, 0) == 0
  }

  package var json: JSON {
    ["pid": .int(Int64(pid)), "start_time": .int(startTime), "boot_id": .string(bootID)]
  }

  package init?(json: JSON) {
    guard let pid = json["pid"]?.int.flatMap(Int32.init(exactly:)), let start = json["start_time"]?.int,
      let boot = json["boot_id"]?.string
    else { return nil }
    self.init(pid: pid, startTime: start, bootID: boot)
  }
}
