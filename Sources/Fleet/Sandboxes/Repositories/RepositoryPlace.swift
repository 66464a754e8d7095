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
      guard error.code == .notFound, !error.isForeignOwner else { throw error }
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
  /// One that cannot be opened does not hide the others: it is in `broken`, by name, with the reason.
  static func reachable(
    _ request: SandboxRequest
  ) throws -> (places: [RepositoryPlace], broken: [String: String]) {
    guard let named = request.document["repos"]?.object else { return ([try RepositoryPlace(request)], [:]) }
    var places: [RepositoryPlace] = []
    var broken: [String: String] = [:]
    for (name, path) in named.sorted(by: { $0.key < $1.key }) {
      do {
        places.append(
          try RepositoryPlace(
            SandboxRequest([
              "root": request.document["root"] ?? .null, "repo_name": .string(name), "repo_path": path,
            ])))
      } catch {
        broken[name] = "\(name): \(SandboxError(error).message)"
      }
    }
    return (places, broken)
  }

  /// The common directories that may have worktrees of ours: the repository itself, and its private twin if there is one.
  var homes: [FilePath] { [source, layout.privateRepository(name)].filter(Files.exists) }

  /// Where a worker's work may be: in the repository that the request names, or in any of the tenant's, private ones before their sources. And
  /// in words, which cannot be opened.
  static func candidates(
    _ worker: SandboxName, _ request: SandboxRequest
  ) throws -> (places: [RepositoryPlace], broken: [String]) {
    if request.text("repo_name") != nil { return ([try of(worker, request)], []) }
    let (places, broken) = try reachable(request)
    let all = places.flatMap { place in
      place.homes.reversed().map { common in
        var home = place
        home.common = common
        return home
      }
    }
    return (all, broken.values.sorted())
  }

  /// The place of an existing sandbox: the tenant may have got a private repository after the sandbox was made.
  static func of(_ worker: SandboxName, _ request: SandboxRequest) throws -> RepositoryPlace {
    var place = try RepositoryPlace(request)
    let own = place.layout.privateRepository(place.name)
    guard Files.exists(own) else { return place }
    let isOwn = Worktree.of(worker, in: place.layout, common: own) != nil
    let isShared = Worktree.of(worker, in: place.layout, common: place.source) != nil
    if isOwn || (!isShared && request.flag("private")) { place.common = own }
    return place
  }
}
