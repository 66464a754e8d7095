package import SystemPackage
package import Tenant

/// Writes configuration files for `init` and `tenant add|remove`, each whole or not at all, and never over an existing one.
package struct ConfigurationWriter: Sendable {
  package let directory: FilePath
  private let zones: ZoneDirectory

  package init(directory: FilePath, zones: ZoneDirectory = .system) {
    self.directory = directory
    self.zones = zones
  }

  /// The starter files; returns those that were not there before.
  package func initialize() throws(HostError) -> [FilePath] {
    try Directory.create(tenants)
    var written: [FilePath] = []
    for (name, text) in [
      (ConfigurationDirectory.fleetFile, ConfigurationStarter.fleet),
      ("\(ConfigurationDirectory.tenantsDirectory)/example.yaml.txt", ConfigurationStarter.tenant),
    ] {
      let path = directory.appending(FilePath(name).components)
      if try AtomicFile.create(Array(text.utf8), at: path) { written.append(path) }
    }
    return written
  }

  /// Writes a tenant's file, after reading it back as the fleet will: what `reload` would refuse is refused here.
  package func add(_ draft: TenantDraft) throws -> FilePath {
    let path = file(of: draft.id)
    let load = ConfigurationDirectory.load(at: directory, zones: zones)
    let fleet = load.fleet ?? FleetConfiguration(zone: zones.machine)
    let relative = "\(ConfigurationDirectory.tenantsDirectory)/\(draft.id).yaml"
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
    try Directory.create(tenants)
    guard try AtomicFile.create(Array(draft.yaml.utf8), at: path) else {
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
