import CLinux
import Glibc
import SystemPackage

/// Processes that carry a mark in their environment, of one login session: what a command has left whose starter died before it could end
/// it. A group's number may be somebody else's by then; a mark that was drawn for one command cannot be.
///
/// A process that began a session of its own (a daemon, a worker's holder) outlives the command's ordinary end too, and is left alone.
package enum MarkedProcesses {
  /// A process that forks while it is looked for is found in the next round.
  private static let rounds = 20

  /// SIGKILL for all of them. The answer is how many there were.
  package static func end(_ mark: String, session: Int32) -> Int {
    var ended: Set<Int32> = []
    for _ in 0..<rounds {
      let found = find(mark, session: session)
      guard !found.isEmpty else { break }
      ended.formUnion(found)
      for pid in found { end(pid, mark) }
      _ = poll(nil, 0, 5)
    }
    return ended.count
  }

  package static func find(_ mark: String, session: Int32) -> [Int32] {
    // Without /proc nobody can be found.
    let names = (try? Directory.names("/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { $0 != getpid() && getsid($0) == session && carries($0, mark) }
  }

  private static func carries(_ pid: Int32, _ mark: String) -> Bool {
    guard case .contents(let bytes) = FileReading.of(FilePath("/proc/\(pid)/environ"), maximumBytes: 1 << 22) else {
      return false
    }
    return bytes.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
  }

  /// By a descriptor: between the look and the signal the number might go to another process.
  private static func end(_ pid: Int32, _ mark: String) {
    let descriptor = clinux_pidfd_open(pid)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if carries(pid, mark) { _ = clinux_pidfd_send_signal(descriptor, SIGKILL) }
  }
}
