import Glibc
import Tenant

/// The processes of one session, found by walking `/proc`: the weaker way to reach all that a beat started, for where there
/// is no control group. A process that made a session of its own is out of its reach, and the guards say so.
enum SessionProcesses {
  static func killAll(session: Int32) {
    for pid in ProcessTable.read().members(ofSession: session) { kill(pid, SIGKILL) }
  }
}
