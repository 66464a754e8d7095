import CLinux
import Glibc
package import SystemPackage
import Tenant

/// What a reading of the configuration gave: all that can be used, and all that cannot, each with its reason.
package struct ConfigurationLoad: Sendable, Hashable {
  /// Nil: `fleet.yaml` itself is refused. The fleet then keeps what it had, or does not start: running without its caps would
  /// be worse than not running.
  package let fleet: FleetConfiguration?
  /// By name.
  package let tenants: [TenantConfiguration]
  package let refused: [ConfigurationProblem]

  package init(fleet: FleetConfiguration?, tenants: [TenantConfiguration], refused: [ConfigurationProblem]) {
    self.fleet = fleet
    self.tenants = tenants
    self.refused = refused
  }
}

/// The files of a configuration directory. One bad tenant file refuses that tenant and no other.
package enum ConfigurationDirectory {
  static let fleetFile = "fleet.yaml"
  static let tenantsDirectory = "tenants.d"
  /// No configuration is larger; YAML is parsed in memory.
  static let maximumBytes = 1 << 20

  /// A tenant's file, as problems name it.
  package static func file(of tenant: TenantID) -> String { "\(tenantsDirectory)/\(tenant).yaml" }

  package static func load(at directory: FilePath, zones: ZoneDirectory = .system) -> ConfigurationLoad {
    let parser = ConfigurationParser(zones: zones)
    var refused: [ConfigurationProblem] = []
    var fleet: FleetConfiguration?
    switch contents(directory.appending(fleetFile), named: fleetFile, tenant: nil) {
    // No file is a fleet of built-in settings.
    case .success(nil): fleet = parser.fleet("").configuration
    case .success(let text?):
      let result = parser.fleet(text) { path in priceTable(path, directory, &refused) }
      fleet = result.configuration
      refused += result.problems
    case .failure(let problem): refused.append(problem)
    }
    // Tenants are read even then, so that one run of `reload` tells everything.
    let tenants = tenants(in: directory, fleet: fleet ?? FleetConfiguration(zone: zones.machine), parser, &refused)
    return ConfigurationLoad(fleet: fleet, tenants: fleet == nil ? [] : tenants, refused: refused)
  }

  private static func tenants(
    in directory: FilePath, fleet: FleetConfiguration, _ parser: ConfigurationParser,
    _ refused: inout [ConfigurationProblem]
  ) -> [TenantConfiguration] {
    let folder = directory.appending(tenantsDirectory)
    var names: [String] = []
    do throws(HostError) {
      names = try Directory.names(folder)
    } catch {
      if !error.isAbsent {
        refused.append(ConfigurationProblem(file: tenantsDirectory, line: nil, message: error.description))
      }
    }
    var tenants: [TenantConfiguration] = []
    var lines: [TenantID: Int] = [:]
    for name in names where !name.hasSuffix("~") {
      let file = "\(tenantsDirectory)/\(name)"
      guard name.hasSuffix(".yaml") else {
        // Silence would be a tenant that somebody believes to be there.
        if name.hasSuffix(".yml") || name.hasSuffix(".json") {
          refused.append(
            ConfigurationProblem(file: file, line: nil, message: "it is not read", hint: "rename it to NAME.yaml"))
        }
        continue
      }
      guard let id = TenantID(String(name.dropLast(".yaml".count))) else {
        refused.append(
          ConfigurationProblem(
            file: file, line: nil, message: "`\(name.dropLast(".yaml".count))` is no name for a tenant",
            hint: "use up to \(TenantID.longest) letters, digits, `.`, `_` and `-`, the first a letter or a digit"))
        continue
      }
      switch contents(folder.appending(name), named: file, tenant: id) {
      case .failure(let problem): refused.append(problem)
      // Removed since it was listed.
      case .success(nil): continue
      case .success(let text?):
        let result = parser.tenant(id, text, file: file, fleet: fleet)
        refused += result.problems
        if let configuration = result.configuration { tenants.append(configuration) }
        lines[id] = result.dataDirectoryLine
      }
    }
    return withoutClashes(tenants, lines: lines, &refused)
  }

  /// Two loops over one data dir would each undo the other's work: the first by name keeps it, and the others are refused. So is a
  /// data dir inside another's, and a name that differs from another only in its case.
  private static func withoutClashes(
    _ tenants: [TenantConfiguration], lines: [TenantID: Int], _ refused: inout [ConfigurationProblem]
  ) -> [TenantConfiguration] {
    var kept: [TenantConfiguration] = []
    var names: [String: TenantID] = [:]
    var places: [String: TenantID] = [:]
    // Every directory above a kept data dir, with one tenant that is below it.
    var above: [String: TenantConfiguration] = [:]
    for tenant in tenants {
      func refuse(_ line: Int?, _ message: String, _ hint: String) {
        refused.append(
          ConfigurationProblem(
            file: "\(tenantsDirectory)/\(tenant.id).yaml", line: line, message: message, hint: hint, tenant: tenant.id))
      }
      let (line, place) = (lines[tenant.id], tenant.dataDirectory)
      let parents = sequence(first: place) { $0.components.isEmpty ? nil : $0.removingLastComponent() }.dropFirst()
      if let rival = names[tenant.id.name.lowercased()] {
        refuse(nil, "tenant `\(rival)` has the same name but for its case", "rename one of the files")
      } else if let rival = places[place.string] {
        refuse(line, "`data_dir` \(place) is already tenant `\(rival)`'s", "give each tenant its own")
      } else if let rival = above[place.string]
        ?? parents.lazy.compactMap({ places[$0.string] }).first.flatMap({ id in kept.first { $0.id == id } })
      {
        refuse(
          line, "`data_dir` \(place) and tenant `\(rival.id)`'s \(rival.dataDirectory) lie one in the other",
          "put them side by side")
      } else {
        kept.append(tenant)
        names[tenant.id.name.lowercased()] = tenant.id
        places[place.string] = tenant.id
        for parent in parents where above[parent.string] == nil { above[parent.string] = tenant }
      }
    }
    return kept
  }

  private static func priceTable(
    _ path: FilePath, _ directory: FilePath, _ refused: inout [ConfigurationProblem]
  ) -> PriceTable? {
    switch contents(path, named: path.string, tenant: nil) {
    case .failure(let problem):
      refused.append(problem)
      return nil
    case .success(nil):
      refused.append(ConfigurationProblem(file: path.string, line: nil, message: "there is no such file"))
      return nil
    case .success(let text?):
      let result = PriceListFile.parse(text, file: path.string)
      refused += result.problems
      return result.prices.map { PriceTable.shipped.overridden(by: $0) }
    }
  }

  /// Nil: there is no such file.
  private static func contents(
    _ path: FilePath, named name: String, tenant: TenantID?
  ) -> Result<String?, ConfigurationProblem> {
    func failure(_ message: String, _ hint: String? = nil) -> Result<String?, ConfigurationProblem> {
      .failure(ConfigurationProblem(file: name, line: nil, message: message, hint: hint, tenant: tenant))
    }
    var status = stat()
    if unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0, let complaint = Self.complaint(about: status)
    {
      return failure(complaint, "make it root's and take the write permission from others: chmod go-w, chown root")
    }
    switch FileReading.of(path, maximumBytes: maximumBytes) {
    case .absent: return .success(nil)
    case .unreadable(let error): return failure(error.description)
    case .contents(let bytes):
      guard let text = String(validating: bytes, as: UTF8.self) else { return failure("it is no text in UTF-8") }
      return .success(text)
    }
  }

  /// Whoever can write the configuration decides as whom everything runs. So as root only root's own files count.
  private static func complaint(about status: stat) -> String? {
    guard geteuid() == 0 else { return nil }
    if status.st_uid != 0 { return "it belongs to user \(status.st_uid), and this fleet runs as root" }
    if status.st_mode & 0o022 != 0 { return "others than root may write it, and this fleet runs as root" }
    return nil
  }
}
