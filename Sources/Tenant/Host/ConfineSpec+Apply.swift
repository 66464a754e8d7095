import CLinux
import Glibc
import SystemPackage

/// A step of the confinement that failed. There is no half confinement: whoever gets this must end.
package struct ConfineError: Error, Hashable, Sendable, CustomStringConvertible {
  package var step: String
  package var reason: String
  package var description: String { "cannot \(step): \(reason)" }

  /// Reads `errno`: call it on the line after the failing call.
  static func last(_ step: String) -> ConfineError {
    ConfineError(step: step, reason: HostError(step, errno: errno).reason)
  }
}

extension HostError {
  fileprivate var reason: String {
    let text = description
    return text.lastIndex(of: ":").map { String(text[text.index($0, offsetBy: 2)...]) } ?? text
  }
}

extension ConfineSpec {
  /// Confines this process, for good. To be called while it has one thread, before anything of the tenant is looked at.
  ///
  /// The order is the point. What needs the starter's rights comes first and touches only what the starter named (control
  /// groups, limits); then the user changes; all that is the tenant's (its directories, its working directory, the paths
  /// of its Landlock rules) is opened as the tenant, so that root never follows a path that a tenant controls.
  package func apply() throws(ConfineError) {
    try checkParent()
    if newSession, setsid() < 0, getsid(0) != getpid() { throw .last("start a session") }
    try closeDescriptors()
    for group in controlGroups { try join(group) }
    if let oomScore {
      try write(String(oomScore), to: "/proc/self/oom_score_adj", step: "set the memory killer's score")
    }
    for limit in limits { try limit.apply() }
    try becomeUser()
    if let umask { _ = Glibc.umask(mode_t(umask)) }
    if noNewPrivileges, clinux_no_new_privileges() != 0 { throw .last("give up new privileges") }
    if let parentDeathSignal {
      // Changing the user has cleared it, so it comes after; and the parent may have died in between.
      guard clinux_parent_death_signal(parentDeathSignal) == 0 else { throw .last("follow the parent's death") }
      try checkParent()
    }
    for directory in make { try Self.make(directory) }
    if let directory, unsafe directory.withPlatformString({ unsafe chdir($0) }) != 0 {
      throw .last("work in \(directory)")
    }
    try landlock?.apply()
    if undumpable, clinux_set_dumpable(0) != 0 { throw .last("close /proc to others") }
  }

  private func checkParent() throws(ConfineError) {
    if let expectedParent, getppid() != expectedParent {
      throw ConfineError(step: "go on", reason: "the process that wanted this has ended")
    }
  }

  private func closeDescriptors() throws(ConfineError) {
    var first: UInt32 = 3
    for kept in Set(keep).sorted() where kept >= 3 {
      let number = UInt32(kept)
      if number > first, clinux_close_range(first, number - 1) != 0 { throw .last("close descriptors") }
      first = number + 1
    }
    guard clinux_close_range(first, .max) == 0 else { throw .last("close descriptors") }
  }

  /// The magic numbers of `linux/magic.h`.
  private static let controlGroupFileSystems: Set<Int64> = [0x6367_7270, 0x27e0eb]

  private func join(_ group: FilePath) throws(ConfineError) {
    let step = "join the control group \(group.removingLastComponent())"
    let file: OwnedDescriptor
    do throws(HostError) {
      file = try OwnedDescriptor(opening: group, O_WRONLY | O_NOFOLLOW, operation: step)
    } catch {
      throw ConfineError(step: step, reason: error.reason)
    }
    guard Self.controlGroupFileSystems.contains(clinux_file_system(file.raw)) else {
      throw ConfineError(step: step, reason: "it is not in a control group file system")
    }
    guard unsafe Glibc.write(file.raw, "0", 1) == 1 else { throw .last(step) }
  }

  private func write(_ text: String, to path: FilePath, step: String) throws(ConfineError) {
    do throws(HostError) {
      let file = try OwnedDescriptor(opening: path, O_WRONLY, operation: step)
      try file.writeAll(Array(text.utf8), path)
    } catch {
      throw ConfineError(step: step, reason: error.reason)
    }
  }

  private func becomeUser() throws(ConfineError) {
    guard let identity else { return }
    guard unsafe clinux_become(identity.uid, identity.gid, identity.groups, identity.groups.count) == 0 else {
      throw .last("become user \(identity.uid)")
    }
    guard clinux_new_session_keyring() == 0 else { throw .last("leave the keyring") }
  }

  /// Makes a directory and the missing ones above it. What is there already stays as it is, a link to a directory too:
  /// the user whom it is for is the one who made it.
  private static func make(_ path: FilePath) throws(ConfineError) {
    do throws(HostError) {
      try Directory.create(path, mode: 0o700)
    } catch {
      throw ConfineError(step: error.operation + " \(path)", reason: error.reason)
    }
  }
}

extension ConfineSpec.Limit {
  fileprivate func apply() throws(ConfineError) {
    let number =
      switch resource {
      case .core: clinux_limit_core
      case .openFiles: clinux_limit_open_files
      case .processes: clinux_limit_processes
      case .fileSize: clinux_limit_file_size
      case .lockedMemory: clinux_limit_locked_memory
      case .pendingSignals: clinux_limit_pending_signals
      case .messageQueues: clinux_limit_message_queues
      }
    // Never above what we have: a user who is not root may only lower, and a limit of the operator's shell stays.
    var oldSoft: UInt64 = 0
    var oldHard: UInt64 = 0
    guard unsafe clinux_get_resource_limit(number, &oldSoft, &oldHard) == 0 else {
      throw .last("read the limit of \(resource.rawValue)")
    }
    let newHard = min(hard, oldHard)
    guard clinux_set_resource_limit(number, min(soft, newHard), newHard) == 0 else {
      throw .last("limit \(resource.rawValue)")
    }
  }
}
