package import SystemPackage
package import Tenant

/// What `tenant add` was told.
package struct TenantDraft: Sendable, Hashable {
  package var id: TenantID
  package var dataDirectory: FilePath
  package var user: String?
  package var interval: Duration?
  package var weight: Int?
  package var timeZone: String?
  package var repositories: [String: FilePath] = [:]
  package var usdPerDay: MicroUSD?
  package var tokensPerDay: Int64?
  package var decidesPerDay: Int64?
  package var maximumWorkers: Int?
  package var memory: ByteSize?
  package var cpu: CPUShare?
  package var disk: ByteSize?

  package init(id: TenantID, dataDirectory: FilePath) {
    self.id = id
    self.dataDirectory = dataDirectory
  }

  /// Its file. Only what was said is written, so that a later change of the defaults reaches the tenant.
  var yaml: String {
    var lines = [
      "# Tenant `\(id)` of looop-fleet. After a change: looop-fleet reload",
      "data_dir: \(quoted(dataDirectory.string))",
    ]
    if let user { lines.append("user: \(quoted(user))") }
    if let interval { lines.append("interval: \(DurationText.text(interval))") }
    if let weight { lines.append("weight: \(weight)") }
    if let timeZone { lines.append("time_zone: \(quoted(timeZone))") }
    if !repositories.isEmpty {
      lines.append("repos:")
      for (name, path) in repositories.sorted(by: { $0.key < $1.key }) {
        lines.append("  \(quoted(name)): \(quoted(path.string))")
      }
    }
    lines += block(
      "budget",
      [
        ("usd_per_day", usdPerDay.map(decimal)), ("tokens_per_day", tokensPerDay.map(String.init)),
        ("decides_per_day", decidesPerDay.map(String.init)),
      ])
    lines += block(
      "workers",
      [("max", maximumWorkers.map(String.init)), ("memory_max", memory.map(size)), ("cpu", cpu?.description)])
    lines += block("sandboxes", [("disk_max", disk.map(size))])
    return lines.map { $0 + "\n" }.joined()
  }

  private func block(_ name: String, _ entries: [(String, String?)]) -> [String] {
    let said = entries.compactMap { key, value in value.map { "  \(key): \($0)" } }
    return said.isEmpty ? [] : ["\(name):"] + said
  }

  private func decimal(_ usd: MicroUSD) -> String { usd.description.replacing("$", with: "") }

  /// Rounded up to whole kibibytes where it is none: a bare number is no size in the file.
  private func size(_ size: ByteSize) -> String {
    ByteSize(bytes: (size.bytes + 1023) / 1024 * 1024).description
  }

  /// Plain where YAML reads it back as it is, else in single quotes.
  private func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || [UInt8(ascii: "/"), 0x2E, 0x5F, 0x2D].contains(byte)
    }
    return isPlain && text.contains(where: \.isLetter) && text.first != "-"
      ? text : "'" + text.replacing("'", with: "''") + "'"
  }
}

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
