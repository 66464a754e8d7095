import Glibc
package import SystemPackage
package import Tenant

/// Writes configuration files for `init` and `tenant add|remove`, each whole or not at all, and never over an existing one.
package struct ConfigurationWriter: Sendable {
  package let directory: FilePath
  private let zones: ZoneDirectory
  private let group: UInt32?

  /// - `group`: may read what is written, beside its owner: those who operate the fleet, where it is root's.
  package init(directory: FilePath, zones: ZoneDirectory = .system, group: UInt32? = nil) {
    self.directory = directory
    self.zones = zones
    self.group = group
  }

  /// Keys and webhooks stand in it, and Landlock lets every tenant read `/etc`.
  private var fileMode: UInt32 { geteuid() == 0 ? 0o640 : 0o600 }

  private func makeDirectories() throws(HostError) {
    for place in [directory, tenants] where !Directory.exists(place) {
      try Directory.create(place.removingLastComponent())
      try Directory.create(place, mode: geteuid() == 0 ? 0o750 : 0o700)
      try giveToGroup(place)
    }
  }

  private func create(_ text: String, at path: FilePath) throws(HostError) -> Bool {
    guard try AtomicFile.create(Array(text.utf8), at: path, mode: fileMode) else { return false }
    try giveToGroup(path)
    return true
  }

  private func giveToGroup(_ path: FilePath) throws(HostError) {
    guard let group, geteuid() == 0 else { return }
    guard unsafe path.withPlatformString({ unsafe lchown($0, .max, group) }) == 0 else {
      throw .last("give to the group \(group)", path)
    }
  }

  /// The starter files; returns those that were not there before.
  package func initialize() throws(HostError) -> [FilePath] {
    try makeDirectories()
    var written: [FilePath] = []
    for (name, text) in [
      (ConfigurationDirectory.fleetFile, ConfigurationStarter.fleet),
      ("\(ConfigurationDirectory.tenantsDirectory)/example.yaml.txt", ConfigurationStarter.tenant),
    ] {
      let path = directory.appending(FilePath(name).components)
      if try create(text, at: path) { written.append(path) }
    }
    return written
  }

  /// Writes a tenant's file, after reading it back as the fleet will: what `reload` would refuse is refused here.
  package func add(_ draft: TenantDraft) throws -> FilePath {
    let path = file(of: draft.id)
    let load = ConfigurationDirectory.load(at: directory, zones: zones)
    let fleet = load.fleet ?? FleetConfiguration(zone: zones.machine)
    let relative = ConfigurationDirectory.file(of: draft.id)
    let result = ConfigurationParser(zones: zones).tenant(draft.id, draft.yaml, file: relative, fleet: fleet)
    guard let configuration = result.configuration else {
      throw result.problems.first ?? ConfigurationProblem(file: relative, line: nil, message: "it cannot be written")
    }
    if let rival = load.tenants.first(where: { $0.dataDirectory == configuration.dataDirectory }) {
      throw ConfigurationProblem(
        file: relative, line: nil,
        message: "`data_dir` \(configuration.dataDirectory) is already tenant `\(rival.id)`'s",
        hint: "give each tenant its own", tenant: draft.id)
    }
    try makeDirectories()
    guard try create(draft.yaml, at: path) else {
      throw ConfigurationProblem(
        file: relative, line: nil, message: "tenant `\(draft.id)` is there already",
        hint: "edit \(path), then looop-fleet reload",
        tenant: draft.id)
    }
    return path
  }

  /// Takes a tenant out of the configuration; its data dir and its money's history stay. False when it was not there.
  package func remove(_ tenant: TenantID) throws(HostError) -> Bool {
    let path = file(of: tenant)
    guard case .contents = FileReading.of(path) else { return false }
    guard AtomicFile.remove(path) else { throw .last("remove", path) }
    try AtomicFile.synchronizeDirectory(tenants)
    return true
  }

  private var tenants: FilePath { directory.appending(ConfigurationDirectory.tenantsDirectory) }

  private func file(of tenant: TenantID) -> FilePath { tenants.appending("\(tenant.name).yaml") }
}
