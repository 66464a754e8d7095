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

  /// The place for a new sandbox: with `private`, the tenant's own repository, made and refreshed.
  static func forCreation(_ request: SandboxRequest) throws -> RepositoryPlace {
    var place = try RepositoryPlace(request)
    guard request.flag("private") else { return place }
    let origin = try Repository(opening: place.source, bare: true)
    // A base that the source does not know may be one of the tenant's own branches.
    let base = try? origin.commit(request.text("base") ?? "HEAD")
    let own = PrivateRepository(layout: place.layout, name: place.name, source: place.source)
    place.common = try own.prepare(base: base)
    return place
  }

  /// The places that a request about all of a tenant's repositories names.
  static func all(_ request: SandboxRequest) throws -> [RepositoryPlace] {
    guard let named = request.document["repos"]?.object else { return [try RepositoryPlace(request)] }
    return try named.sorted { $0.key < $1.key }.map { name, path in
      try RepositoryPlace(
        SandboxRequest([
          "root": request.document["root"] ?? .null, "repo_name": .string(name), "repo_path": path,
        ]))
    }
  }

  /// The common directories that may have worktrees of ours: the repository itself, and its private twin if there is one.
  var homes: [FilePath] { [source, layout.privateRepository(name)].filter(Files.exists) }

  /// The place of an existing sandbox: the tenant may have got a private repository after the sandbox was made.
  static func of(_ worker: SandboxName, _ request: SandboxRequest) throws -> RepositoryPlace {
    var place = try RepositoryPlace(request)
    let own = place.layout.privateRepository(place.name)
    guard Files.exists(own) else { return place }
    let tree = place.layout.tree(worker)
    let isOwn = Worktree.all(common: own).contains { $0.note?.worker == worker.text && $0.note?.tree == tree }
    let isShared = Worktree.all(common: place.source).contains {
      $0.note?.worker == worker.text && $0.note?.tree == tree
    }
    if isOwn || (!isShared && request.flag("private")) { place.common = own }
    return place
  }
}
