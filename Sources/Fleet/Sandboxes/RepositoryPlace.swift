import SystemPackage
import Tenant

/// Which repository a request is about: the one that the configuration names, and the one that the worker's worktree hangs
/// on, which differ where the tenant has a private one.
struct RepositoryPlace: Sendable {
  var layout: SandboxLayout
  var name: SandboxName
  /// The common directory of the repository that the configuration names.
  var source: FilePath
  /// The common directory that has the worktrees.
  var common: FilePath

  var isPrivate: Bool { source != common }

  init(_ request: SandboxRequest) throws {
    layout = try request.layout()
    name = try request.repositoryName()
    let path = try request.path("repo_path")
    do {
      source = try Repository(opening: path).commonDirectory.lexicallyNormalized()
    } catch {
      guard error.code == .notFound else { throw error }
      throw SandboxError(
        .notFound, "\(path) is not a git repository", hint: "name the repository's directory in the tenant's repos")
    }
    common = source
  }
}
