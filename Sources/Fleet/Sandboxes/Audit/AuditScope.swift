import SystemPackage
import Tenant

/// The directories that a worker of one repository can change, and how they were measured. Which they are, the source or a private twin,
/// may be others after each change of the configuration.
struct AuditScope: Sendable {
  /// As the configuration names the repository.
  var repository: FilePath
  /// Where that leads now.
  var source: FilePath
  /// The private twin, whether there is one or not.
  var own: FilePath
  /// Of those directories. What the configuration names no longer is nobody's affair here.
  var snapshots: [AuditSnapshot]

  init(_ request: SandboxRequest) throws {
    let name = try request.repositoryName()
    let (repository, own) = (try request.path("repo_path"), try request.layout().privateRepository(name))
    // Not through libgit2: what was done to the repository may be that it no longer opens.
    let source = PreflightProbe.gitDirectory(repository).lexicallyNormalized()
    (self.repository, self.source, self.own) = (repository, source, own)
    snapshots = try (request.document["baselines"]?.array ?? []).map { json in
      guard let snapshot = AuditSnapshot(json: json) else {
        throw SandboxError(.invalidRequest, "a baseline of \(name) is none that this version can read")
      }
      return snapshot
    }.filter { snapshot in
      // Not by where the repository leads now: a worker may have sent it elsewhere.
      [own, source].contains(snapshot.directory.path) || snapshot.repository ?? repository == repository
    }
  }

  func take(_ common: FilePath) throws -> AuditSnapshot {
    try AuditSnapshot.take(common: common, repository: common == own ? nil : repository)
  }

  /// A `.git` file or a `commondir` sends everybody's git to another directory than the one that was measured.
  func redirection(of snapshot: AuditSnapshot) -> AuditDrift? {
    let common = snapshot.directory.path
    guard ![own, source].contains(common) else { return nil }
    // Somebody moved it away, and nothing is in its place.
    let isGone = source == repository && !Files.exists(source.appending("HEAD")) && !Files.isDirectory(common)
    return isGone
      ? nil : AuditDrift(what: "\(repository) leads to \(source) and no longer to \(common)", action: .block)
  }

  var redirection: AuditDrift? { snapshots.lazy.compactMap(redirection).first }
}
