import SystemPackage
import Tenant

/// How each repository's shared directory stood before its workers came, kept where only the supervisor can write: a worker runs
/// as the tenant, and could change whatever the tenant's own helper had noted. What is in it is for the helper to read.
struct AuditBaselines: Sendable {
  struct Entry: Hashable, Sendable {
    var snapshot: JSON
    /// Workers were there since, and nobody has looked what they did.
    var isOpen: Bool
    /// Why there are no new sandboxes of it, until somebody looked.
    var blocked: String?
  }

  let directory: FilePath
  private static let maximumBytes = 64 << 20

  func file(_ tenant: TenantID, _ repository: String) -> FilePath {
    directory.appending(tenant.name).appending("\(repository).json")
  }

  /// One that cannot be read is none: the helper's own note is the measure then.
  func read(_ tenant: TenantID, _ repository: String) -> Entry? {
    guard let text = FileReading.of(file(tenant, repository), maximumBytes: Self.maximumBytes).text,
      let json = try? JSON(parsing: text), let snapshot = json["snapshot"]
    else { return nil }
    return Entry(snapshot: snapshot, isOpen: json["open"]?.bool ?? true, blocked: json["blocked"]?.string)
  }

  func write(_ entry: Entry, _ tenant: TenantID, _ repository: String) throws(HostError) {
    let path = file(tenant, repository)
    try Directory.create(path.removingLastComponent(), mode: 0o700)
    let json: JSON = [
      "v": 1, "snapshot": entry.snapshot, "open": .bool(entry.isOpen), "blocked": .optional(entry.blocked),
    ]
    try AtomicFile.write(json.compact + "\n", to: path, mode: 0o600)
  }
}
