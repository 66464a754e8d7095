import CLinux
import Glibc
import SystemPackage
package import Tenant

/// One process as `/proc` shows it.
package struct SeenProcess: Hashable, Sendable {
  package var identity: ProcessIdentity
  package var parent: Int32
  package var session: Int32
  /// It carries the marks that are looked for in its environment.
  package var isMarked: Bool

  package init(identity: ProcessIdentity, parent: Int32, session: Int32, isMarked: Bool) {
    self.identity = identity
    self.parent = parent
    self.session = session
    self.isMarked = isMarked
  }
}

/// Finds the processes of a tenant or a worker without a control group: by the leader's descendants, by their sessions and by the
/// marks in the environment. Weaker than a group, and told as such: a process that leaves its ancestry and session and wipes
/// its environment is not found.
package struct ProcessWalk: StopTarget {
  /// Entries of the environment that all must be there, as `NAME=value`.
  package let marks: [String]
  /// Processes known to belong to it: the session's leader.
  package let roots: [ProcessIdentity]

  package init(marks: [String], roots: [ProcessIdentity] = []) {
    self.marks = marks
    self.roots = roots
  }

  /// The marks that ``TenantEnvironment`` gave to the tenant's processes, or to one worker's.
  package init(tenant: ConfinedTenant, worker: String? = nil, roots: [ProcessIdentity] = []) {
    self.init(
      marks: ["LOOOP_TENANT=\(tenant.name)", "LOOOP_DATA_DIR=\(tenant.dataDirectory)"]
        + (worker.map { ["LOOOP_WORKER=\($0)"] } ?? []),
      roots: roots)
  }

  package let hears = true

  package func remaining() -> (isPopulated: Bool, pids: [Int32]) {
    let found = find()
    return (!found.isEmpty, found.map(\.pid))
  }

  package func terminate() { signal(SIGTERM) }
  package func kill() { signal(SIGKILL) }

  /// Holds all of them still, or lets them go on: walked again until a walk finds nobody new, for one that was not reached yet may
  /// have started another meanwhile. False where that never came to an end, or somebody could not be signalled.
  package func hold(_ still: Bool) -> Bool {
    var reached: Set<ProcessIdentity> = []
    for _ in 0..<Self.mostWalks {
      let new = find().filter { !reached.contains($0) }
      if new.isEmpty { return true }
      for identity in new {
        guard Self.signal(still ? SIGSTOP : SIGCONT, identity) else { return false }
        reached.insert(identity)
      }
    }
    return false
  }

  private static let mostWalks = 50

  private func signal(_ number: Int32) {
    for identity in find() { _ = Self.signal(number, identity) }
  }

  /// The pid may be somebody else's by now: the process is held, looked at again, and then signalled. True also where it is gone.
  private static func signal(_ number: Int32, _ identity: ProcessIdentity) -> Bool {
    let held = clinux_pidfd_open(identity.pid)
    guard held >= 0 else { return errno == ESRCH }
    defer { close(held) }
    guard identity.isAlive else { return true }
    return clinux_pidfd_send_signal(held, number) == 0 || errno == ESRCH
  }

  func find() -> [ProcessIdentity] {
    Self.select(from: processes(), roots: roots, sparing: [getpid(), getppid()])
  }

  /// Everybody who is marked or a root, everybody in the sessions that these lead, and all their descendants. Pure.
  ///
  /// A session counts only when its leader does: a worker that was started from a terminal must not take the terminal's
  /// other programs with it.
  package static func select(
    from processes: [SeenProcess], roots: [ProcessIdentity], sparing: Set<Int32>
  ) -> [ProcessIdentity] {
    // Who is spared is no seed either: a fleet that runs inside another's worker must not take its own children for that worker's.
    var chosen = Set(processes.filter { $0.isMarked || roots.contains($0.identity) }.map(\.identity.pid))
      .subtracting(sparing)
    while true {
      let more = processes.filter {
        !chosen.contains($0.identity.pid) && (chosen.contains($0.parent) || chosen.contains($0.session))
      }
      let found = more.map(\.identity.pid).filter { !sparing.contains($0) }
      if found.isEmpty { break }
      chosen.formUnion(found)
    }
    return processes.map(\.identity).filter { chosen.contains($0.pid) }.sorted { $0.pid < $1.pid }
  }

  /// The user whose it is: real, effective, saved and file system user, where they are one.
  static func owner(of pid: Int32) -> UInt32? {
    let text = FileReading.of(FilePath("/proc/\(pid)/status"), maximumBytes: 65536).text ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("Uid:") }
    let users = Set((line ?? "").split(separator: "\t").dropFirst().compactMap { UInt32($0) })
    return users.count == 1 ? users.first : nil
  }

  private func processes() -> [SeenProcess] {
    // Without /proc nothing can be found; the stop then ends as "already gone", which the weaker guard's report covers.
    let names = (try? Directory.names("/proc")) ?? []
    return names.compactMap { name in Int32(name).flatMap(see) }
  }

  private func see(_ pid: Int32) -> SeenProcess? {
    let directory = FilePath("/proc/\(pid)")
    guard let stat = ProcessStat.of(pid), !stat.isEnded else { return nil }
    let identity = ProcessIdentity(pid: pid, startTime: stat.startTime, bootID: ProcessIdentity.currentBootID)
    return SeenProcess(identity: identity, parent: stat.parent, session: stat.session, isMarked: isMarked(directory))
  }

  private func isMarked(_ directory: FilePath) -> Bool {
    guard !marks.isEmpty,
      case .contents(let bytes) = FileReading.of(directory.appending("environ"), maximumBytes: 4 << 20)
    else { return false }
    let entries = Set(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    return marks.allSatisfy(entries.contains)
  }
}
