import CLinux
import Glibc
import SystemPackage
package import Tenant

extension DoctorFacts {
  /// Looks at this host. Of a tenant's data dir it only asks whether it is there.
  package static func gather(paths: FleetPaths, environment: HostEnvironment, programs: [String]) -> DoctorFacts {
    var facts = DoctorFacts()
    facts.userID = geteuid()
    facts.configurationDir = paths.configuration.string
    let load = ConfigurationDirectory.load(at: paths.configuration)
    facts.configurationProblems = load.refused.map { ($0.description, $0.hint) }
    facts.tenants = load.tenants.map { tenant in
      TenantFact(
        name: tenant.id.name, dataDir: tenant.dataDirectory.string, dataDirExists: exists(tenant.dataDirectory),
        user: tenant.user, userExists: tenant.user.map(userExists) ?? true,
        powers: tenant.user.map(powers) ?? [])
    }
    facts.openConfiguration = openFiles(below: paths.configuration, load)
    for program in programs { facts.programs[program] = find(program, environment) }
    facts.freeFloor = load.fleet?.freeSpace.bytes ?? facts.freeFloor
    facts.stateDir = paths.state.string
    if exists(paths.state), unsafe paths.state.withPlatformString({ unsafe access($0, W_OK) }) != 0 {
      facts.stateDirProblem = "\(paths.state) is not writable for user \(geteuid())"
    }
    facts.freeBytes = freeBytes(paths.state)
    var (soft, hard): (UInt64, UInt64) = (0, 0)
    // The supervisor raises its soft limit itself.
    if unsafe clinux_get_resource_limit(CInt(RLIMIT_NOFILE.rawValue), &soft, &hard) == 0 { facts.openFiles = hard }
    facts.watchInstances = kernelLimit("max_user_instances")
    facts.watchPlaces = kernelLimit("max_user_watches")
    facts.landlock = LandlockSupport.abi
    return facts
  }

  /// Groups that are as good as root, or as ops, on most hosts.
  private static let powerful = [
    "looop-ops", "looop-concierge", "root", "sudo", "wheel", "admin", "docker", "lxd", "incus", "libvirt", "disk",
    "shadow", "kmem",
  ]

  private static func powers(of name: String) -> [String] {
    let lookup = UserLookup.system
    guard let uid = UInt32(name) ?? UserLookup.systemUser(named: name)?.uid, let user = lookup.user(uid) else {
      return []
    }
    return powerful.filter { group in lookup.group(group).map { user.groups.contains($0) } ?? false }
  }

  /// Files of the configuration that anybody can open: the directories above are open as well.
  private static func openFiles(below directory: FilePath, _ load: ConfigurationLoad) -> [String] {
    func others(_ path: FilePath) -> mode_t {
      var status = stat()
      return unsafe path.withPlatformString { unsafe stat($0, &status) } == 0 ? status.st_mode & 0o007 : 0
    }
    guard others(directory) & 0o001 != 0 else { return [] }
    let tenants = directory.appending(ConfigurationDirectory.tenantsDirectory)
    let files =
      [directory.appending(ConfigurationDirectory.fleetFile)]
      + (others(tenants) & 0o001 == 0
        ? [] : load.tenants.map { directory.pushing(FilePath(ConfigurationDirectory.file(of: $0.id))) })
    return files.filter { others($0) & 0o004 != 0 }.map(\.string)
  }

  private static func kernelLimit(_ name: String) -> Int64? {
    FileReading.of(FilePath("/proc/sys/fs/inotify").appending(name), maximumBytes: 64).text
      .flatMap { Int64($0.filter(\.isNumber)) }
  }

  private static func exists(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, F_OK) } == 0
  }

  private static func userExists(_ name: String) -> Bool {
    if let uid = UInt32(name) { return UserLookup.system.user(uid) != nil }
    return UserLookup.systemUser(named: name) != nil
  }

  /// The nearest directory above that is there tells how much room there is.
  private static func freeBytes(_ path: FilePath) -> Int64? {
    var place = path
    while !exists(place), !place.components.isEmpty { place.removeLastComponent() }
    return FileSystemRoom.free(at: place)
  }

  private static func find(_ program: String, _ environment: HostEnvironment) -> String?? {
    var places = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { FilePath(String($0)) }
    if let own = ownDirectory { places.insert(own, at: 0) }
    for place in places {
      let path = place.appending(program)
      if unsafe path.withPlatformString({ unsafe access($0, X_OK) }) == 0 { return .some(path.string) }
    }
    return .some(nil)
  }

  private static var ownDirectory: FilePath? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count > 0 else { return nil }
    return FilePath(String(decoding: buffer[..<count], as: UTF8.self)).removingLastComponent()
  }
}
