import SystemPackage
import Tenant

/// The baselines of all repositories, kept where only the supervisor can write: a worker runs as the tenant, and could change
/// whatever the tenant's own helper had noted.
struct AuditBaselines: Sendable {
  enum Reading: Hashable, Sendable {
    /// With no directory in it where nobody worked yet.
    case known(RepositoryBaseline)
    /// It is there and cannot be read: how the repository should be is not known.
    case broken(String)
  }

  let directory: FilePath
  /// Held from the reading to the writing.
  private let changing = Locked(())

  init(directory: FilePath) { self.directory = directory }

  func file(_ tenant: TenantID, _ repository: String) -> FilePath {
    directory.appending(tenant.name).appending("\(repository).json")
  }

  func read(_ tenant: TenantID, _ repository: String) -> Reading {
    switch FileReading.of(file(tenant, repository), maximumBytes: HelperLimits.request) {
    case .absent: return .known(RepositoryBaseline())
    case .unreadable(let error): return .broken("\(error)")
    case .contents(let bytes):
      do throws(JSONError) {
        guard let baseline = RepositoryBaseline(json: try JSON(parsing: bytes)) else {
          return .broken("it is of another version")
        }
        return .known(baseline)
      } catch {
        return .broken("it is corrupt: \(error)")
      }
    }
  }

  /// Answers why it could not be stored. One that is broken stays for ops to see.
  func change(_ tenant: TenantID, _ repository: String, _ body: (inout RepositoryBaseline) -> Void) -> String? {
    changing.withLock { _ in
      switch read(tenant, repository) {
      case .broken(let why): return why
      case .known(let before):
        var after = before
        body(&after)
        guard after != before else { return nil }
        let path = file(tenant, repository)
        let text = after.json.compact + "\n"
        guard text.utf8.count <= HelperLimits.request else { return "it has too many refs to be kept" }
        do throws(HostError) {
          try Directory.create(path.removingLastComponent(), mode: 0o700)
          try AtomicFile.write(text, to: path, mode: 0o600)
          return nil
        } catch {
          return error.description
        }
      }
    }
  }
}
