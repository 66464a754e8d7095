import Glibc
import SystemPackage
import Tenant

/// The processes of one session, found by walking `/proc`: the weaker way to reach all that a beat started, for where there
/// is no control group. A process that made a session of its own is out of its reach, and the guards say so.
enum SessionProcesses {
  static func members(of session: Int32) -> [Int32] {
    guard let names = try? Directory.names("/proc") else { return [] }
    return names.compactMap(Int32.init).filter { pid in
      guard let text = FileReading.of(FilePath("/proc/\(pid)/stat"), maximumBytes: 4096).text,
        let close = text.lastIndex(of: ")")
      else { return false }
      let fields = text[text.index(after: close)...].split(separator: " ")
      return fields.count > 3 && Int32(fields[3]) == session
    }
  }

  static func killAll(session: Int32) {
    for pid in members(of: session) { kill(pid, SIGKILL) }
  }
}
