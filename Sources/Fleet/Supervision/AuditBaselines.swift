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

  enum Reading: Hashable, Sendable {
    /// Nobody worked there yet.
    case none
    case entry(Entry)
    /// It is there and cannot be read: how the repository should be is not known, and the tenant's own note is no measure for that.
    case broken(String)

    var entry: Entry? { if case .entry(let entry) = self { entry } else { nil } }
    var isBroken: Bool { if case .broken = self { true } else { false } }
  }

  let directory: FilePath
  private static let maximumBytes = 64 << 20

  func file(_ tenant: TenantID, _ repository: String) -> FilePath {
    directory.appending(tenant.name).appending("\(repository).json")
  }

  func read(_ tenant: TenantID, _ repository: String) -> Reading {
    switch FileReading.of(file(tenant, repository), maximumBytes: Self.maximumBytes) {
    case .absent: return .none
    case .unreadable(let error): return .broken("\(error)")
    case .contents(let bytes):
      do throws(JSONError) {
        let json = try JSON(parsing: bytes)
        guard let snapshot = json["snapshot"] else { return .broken("it holds no snapshot") }
        return .entry(
          Entry(snapshot: snapshot, isOpen: json["open"]?.bool ?? true, blocked: json["blocked"]?.string))
      } catch {
        return .broken("it is corrupt: \(error)")
      }
    }
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
