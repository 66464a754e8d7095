import CLinux
import Glibc
package import SystemPackage
package import Tenant

/// The fleet's subtree of control groups: `BASE/t-TENANT/beats` and `BASE/t-TENANT/w-WORKER`, the supervisor outside.
/// Membership, kill, freeze and CPU time are v2's; limits are v2's where the controllers are there, else v1's in hierarchies
/// with the same names in them.
///
/// All paths are below mounts of the kernel that only root writes to, so nothing here can be led astray by a tenant.
package struct ControlGroups: Hashable, Sendable {
  package let offer: ControlGroupOffer
  /// The base directory of the v2 subtree.
  let unified: FilePath?
  /// The base directory for the limits of each v1 controller.
  let legacy: [String: FilePath]

  private init(offer: ControlGroupOffer, unified: FilePath?, legacy: [String: FilePath]) {
    self.offer = offer
    self.unified = unified
    self.legacy = legacy
  }

  package static func none(_ reason: String) -> ControlGroups {
    ControlGroups(offer: .none(reason), unified: nil, legacy: [:])
  }

  /// Finds the hierarchies and makes the base group `name`.
  ///
  /// Where: below `delegated` where that is given (a unit that systemd keeps for us, so that a restart of the supervisor's own
  /// unit touches no tenant); as root at the top of the hierarchy, which is the same place after every restart; as a plain user
  /// in our own group, if it was delegated to us.
  package static func open(name: String, delegated: FilePath? = nil, isRoot: Bool = geteuid() == 0) -> ControlGroups {
    guard let mounts = FileReading.of("/proc/self/mountinfo", maximumBytes: 4 << 20).text,
      let own = FileReading.of("/proc/self/cgroup", maximumBytes: 65536).text
    else { return .none("the mount table cannot be read") }
    return open(
      ControlGroupLayout.parse(mountinfo: mounts, ownGroups: own), name: name, delegated: delegated, isRoot: isRoot)
  }

  package static func open(
    _ layout: ControlGroupLayout, name: String, delegated: FilePath?, isRoot: Bool
  ) -> ControlGroups {
    guard let mount = layout.unified else { return .none("no cgroup v2 hierarchy is mounted for writing") }
    let parent: FilePath
    if let delegated {
      parent = mount.appending(delegated.components)
    } else if isRoot {
      parent = mount
    } else {
      guard let group = layout.ownGroup else { return .none("our own control group is not visible") }
      parent = mount.appending(group.components)
    }
    let base = parent.appending(name)
    do throws(HostError) {
      try Directory.create(base)
    } catch {
      return .none("\(error)")
    }
    guard unsafe access(base.appending("cgroup.kill").string, W_OK) == 0 else {
      return .none("this kernel cannot kill a control group (Linux 5.14 can)")
    }
    enable(in: parent)
    enable(in: base)

    let controllers = Set(words(base.appending("cgroup.controllers")))
    var legacy: [String: FilePath] = [:]
    var versions: [String: ControlGroupOffer.Version] = [:]
    for controller in ControlGroupLayout.controllers {
      if controllers.contains(controller) {
        versions[controller] = .v2
      } else if isRoot, let place = layout.legacy[controller]?.appending(name), Self.make(place) {
        legacy[controller] = place
        versions[controller] = .v1
      }
    }
    let offer = ControlGroupOffer(
      hasGroups: true, memory: versions["memory"], cpu: versions["cpu"], processes: versions["pids"])
    return ControlGroups(offer: offer, unified: base, legacy: legacy)
  }

  /// Makes a group (and its tenant's) and sets its limits. To make it again only sets the limits again.
  package func create(_ group: ControlGroup, caps: ResourceCaps) throws(HostError) {
    guard let unified else { return }
    guard group.isValid else { throw HostError("make control group", FilePath(group.description), errno: EINVAL) }
    let directory = unified.pushing(group)
    try Directory.create(directory)
    if group.path.count > 1 { Self.enable(in: directory.removingLastComponent()) }
    for base in Set(legacy.values) { try Directory.create(base.pushing(group)) }
    try set(caps, on: group)
  }

  package func exists(_ group: ControlGroup) -> Bool {
    unified.map { Directory.exists($0.pushing(group)) } ?? true
  }

  /// The files through which a process joins a group.
  package func memberFiles(of group: ControlGroup) -> [FilePath] {
    guard let unified else { return [] }
    return ([unified] + Set(legacy.values).sorted { $0.string < $1.string }).map {
      $0.pushing(group).appending("cgroup.procs")
    }
  }

  /// Moves a process into a group that is there.
  package func move(_ pid: Int32, to group: ControlGroup) throws(HostError) {
    for file in memberFiles(of: group) { try Self.write(String(pid), file) }
  }

  /// Whether any process is left in it; nil where that cannot be known. An absent group has none.
  package func isPopulated(_ group: ControlGroup) -> Bool? {
    guard let unified else { return nil }
    switch FileReading.of(unified.pushing(group).appending("cgroup.events"), maximumBytes: 4096) {
    case .absent: return false
    case .unreadable(let error): return error.errno == ENODEV ? false : nil
    case .contents(let bytes):
      return ControlGroupText.value("populated", in: String(decoding: bytes, as: UTF8.self)).map { $0 != 0 }
    }
  }

  /// Ends every process in the group and below at once; none can fork its way out.
  package func kill(_ group: ControlGroup) throws(HostError) {
    guard let unified else { throw HostError("kill control group", FilePath(group.description), errno: ENOTSUP) }
    do throws(HostError) {
      try Self.write("1", unified.pushing(group).appending("cgroup.kill"))
    } catch {
      // A group that is gone has nobody left in it.
      if !error.isAbsent && error.errno != ENODEV { throw error }
    }
  }

  package func setFrozen(_ frozen: Bool, _ group: ControlGroup) throws(HostError) {
    guard let unified else { throw HostError("freeze control group", FilePath(group.description), errno: ENOTSUP) }
    do throws(HostError) {
      try Self.write(frozen ? "1" : "0", unified.pushing(group).appending("cgroup.freeze"))
    } catch {
      // A stop has removed the group: there is nobody to freeze or to thaw.
      if !error.isAbsent && error.errno != ENODEV { throw error }
    }
  }

  /// Whether it was told to freeze, itself or by its tenant.
  package func isFrozen(_ group: ControlGroup) -> Bool {
    guard let unified else { return false }
    return (1...group.path.count).contains { depth in
      let place = unified.appending(group.path.prefix(depth).map { FilePath.Component($0)! })
      return FileReading.of(place.appending("cgroup.freeze"), maximumBytes: 64).text?.hasPrefix("1") == true
    }
  }

  /// The processes in the group and below it, as they are at this moment.
  package func members(_ group: ControlGroup) -> [Int32] {
    guard let unified else { return [] }
    return Self.members(below: unified.pushing(group))
  }

  /// nil where nobody counts: there is no such group.
  package func usage(_ group: ControlGroup) -> ControlGroupUsage? {
    guard let unified, let cpu = Self.text(unified.pushing(group).appending("cpu.stat")) else { return nil }
    let memory: FilePath? =
      switch offer.memory {
      case .v2: unified.pushing(group).appending("memory.current")
      case .v1: legacy["memory"]?.pushing(group).appending("memory.usage_in_bytes")
      case nil: nil
      }
    let processes = (offer.processes == .v1 ? legacy["pids"] : unified)?.pushing(group).appending("pids.current")
    return ControlGroupUsage(
      cpuStat: cpu, memory: memory.flatMap(Self.text), processes: processes.flatMap(Self.text))
  }

  /// How many processes of it, and below, the kernel ended for want of memory.
  package func memoryKills(_ group: ControlGroup) -> Int64 {
    let file: FilePath? =
      switch offer.memory {
      case .v2: unified?.pushing(group).appending("memory.events")
      case .v1: legacy["memory"]?.pushing(group).appending("memory.oom_control")
      case nil: nil
      }
    return file.flatMap(Self.text).flatMap { ControlGroupText.value("oom_kill", in: $0) } ?? 0
  }

  /// How often its CPU limit held it back.
  package func throttlings(_ group: ControlGroup) -> Int64 {
    let place = offer.cpu == .v1 ? legacy["cpu"] : unified
    guard let place, let text = Self.text(place.pushing(group).appending("cpu.stat")) else { return 0 }
    return ControlGroupText.value("nr_throttled", in: text) ?? 0
  }

  /// Removes a group and those below it. False where somebody is still in it; then it is left for the next look.
  @discardableResult
  package func remove(_ group: ControlGroup) -> Bool {
    guard let unified else { return true }
    return ([unified] + Set(legacy.values)).map { Self.removeTree($0.pushing(group)) }.allSatisfy { $0 }
  }

  /// Removes the base with all that nobody is left in.
  package func removeBase() {
    for base in [unified].compactMap({ $0 }) + Set(legacy.values) { Self.removeTree(base) }
  }

  /// Removes the base where there is nothing in it at all: what an earlier supervisor left is still to be looked at.
  package func removeEmptyBase() {
    for base in [unified].compactMap({ $0 }) + Set(legacy.values) { Self.removeDirectory(base) }
  }

  /// Tenants with a group in any hierarchy, and their workers with one: what an earlier supervisor may have left.
  package func present() -> [String: Set<String>] {
    var found: [String: Set<String>] = [:]
    for base in [unified].compactMap({ $0 }) + Set(legacy.values) {
      for directory in Self.children(base) {
        guard let tenant = ControlGroup.tenantName(directory) else { continue }
        found[tenant, default: []].formUnion(Self.children(base.appending(directory)).compactMap(ControlGroup.workerID))
      }
    }
    return found
  }
}

// MARK: - Files

extension ControlGroups {
  /// One controller at a time: one that is missing must not keep the others from being enabled.
  private static func enable(in directory: FilePath) {
    for controller in ControlGroupLayout.controllers.sorted() {
      // Refused where it is not there, or where processes are in the way: then the offer shows that it is missing.
      try? write("+\(controller)", directory.appending("cgroup.subtree_control"))
    }
  }

  private static func make(_ directory: FilePath) -> Bool {
    // A hierarchy that we may not write to gives no limits; the guard's report says so.
    (try? Directory.create(directory)) != nil
  }

  static func write(_ text: String, _ file: FilePath) throws(HostError) {
    let descriptor = try OwnedDescriptor(opening: file, O_WRONLY, operation: "write")
    try descriptor.writeAll(Array(text.utf8), file)
  }

  /// Writes where it says something else: to set a quota takes the kernel long, and most are what they were.
  static func change(_ text: String, _ file: FilePath) throws(HostError) {
    if words(file) == text.split(separator: " ").map(String.init) { return }
    try write(text, file)
  }

  static func text(_ file: FilePath) -> String? { FileReading.of(file, maximumBytes: 65536).text }

  private static func words(_ file: FilePath) -> [String] {
    text(file)?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
  }

  /// The groups below a group. The kernel's own files are no directories.
  static func children(_ directory: FilePath) -> [String] {
    // A group that went away while we looked has no children.
    (try? Directory.directoryNames(directory)) ?? []
  }

  private static func members(below directory: FilePath) -> [Int32] {
    words(directory.appending("cgroup.procs")).compactMap { Int32($0) }
      + children(directory).flatMap { members(below: directory.appending($0)) }
  }

  @discardableResult
  private static func removeTree(_ directory: FilePath) -> Bool {
    for child in children(directory) { removeTree(directory.appending(child)) }
    return removeDirectory(directory)
  }

  @discardableResult
  private static func removeDirectory(_ directory: FilePath) -> Bool {
    unsafe directory.withPlatformString { unsafe rmdir($0) } == 0 || errno == ENOENT
  }
}

extension FilePath {
  func pushing(_ group: ControlGroup) -> FilePath {
    appending(group.path.map { FilePath.Component($0)! })
  }
}
