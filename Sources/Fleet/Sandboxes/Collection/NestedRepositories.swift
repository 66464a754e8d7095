import SystemPackage
import Tenant

/// Repositories inside a worktree that no ref of its own repository can hold: submodules, and whatever else has a `.git` of its own, in
/// ignored directories as in tracked ones, where the status of the worktree says nothing of it.
enum NestedRepositories {
  /// A tree with more names is not searched to its end, and is kept for that.
  static let most = 2_000_000

  /// Submodules with changes or commits of their own. They keep their repositories in the worktree's admin directory, so
  /// they go when it goes.
  static func submodulesAtRisk(_ worktree: Worktree) -> [String] {
    modules(below: worktree.directory.appending("modules"), prefix: "").compactMap { name, directory in
      risk(directory).map { $0.isEmpty ? name : "\(name) (\($0))" }
    }
  }

  /// Where a `.git` is, by the path of its directory in the tree.
  struct Places: Hashable, Sendable {
    var paths: [FilePath] = []
    /// Why not all of the tree was searched.
    var unsearched: String?
  }

  static func places(in tree: FilePath, most: Int = Self.most) -> Places {
    var (found, left) = (Places(), most)
    let ending = TreeWalk.run(tree) { entry in
      left -= 1
      if left < 0 { return .stop }
      guard entry.isNamed(".git") else { return .enter }
      found.paths.append(entry.parent)
      return .pass
    }
    switch ending {
    case .complete: break
    case .stopped: found.unsearched = "it has more than \(most) names, too many to search for repositories of their own"
    case .blind(let path): found.unsearched = "\(path) in it cannot be searched for repositories of their own"
    }
    found.paths.removeAll { $0.isEmpty }
    return found
  }

  /// Those with changes, or with commits that none of their remotes has.
  ///
  /// - `parked`: whether the worktree's own status has a file, so that it is kept with it.
  static func atRisk(
    among places: Places, in tree: FilePath, of worktree: Worktree, parked: (FilePath) -> Bool
  ) -> [String] {
    let modules = worktree.directory.appending("modules")
    return places.paths.filter { path in
      hasRepository(tree.pushing(path), besides: modules)
        && risk(tree.pushing(path), parked: { parked(path.pushing($0)) }) != nil
    }.map(\.string)
  }

  /// A `.git` that is a file holds nothing itself: it counts where what it names is a repository, and is no submodule's, which are looked
  /// at by themselves.
  private static func hasRepository(_ place: FilePath, besides modules: FilePath) -> Bool {
    let git = place.appending(".git")
    if Files.isDirectory(git) { return !Files.names(git).isEmpty }
    guard let target = try? Repository(opening: place).gitDirectory.lexicallyNormalized() else { return false }
    return !target.starts(with: modules)
  }

  /// `nil` where everything is elsewhere as well, "" or why not where it is not. What cannot be read may hold work.
  private static func risk(_ directory: FilePath, parked: (FilePath) -> Bool = { _ in false }) -> String? {
    do throws(GitError) {
      let repository = try Repository(opening: directory)
      // Without a remote a tag is as much its own as a branch.
      let settings = try Repository.settings(in: repository.commonDirectory.appending("config"))
      let hasRemote = settings.contains { $0.key.hasPrefix("remote.") && $0.key.hasSuffix(".url") }
      func isRemote(_ name: String) -> Bool {
        hasRemote && (name.hasPrefix("refs/remotes/") || name.hasPrefix("refs/tags/"))
      }
      let references = try repository.references()
      let tips =
        [try repository.head().commit].compactMap { $0 } + references.filter { !isRemote($0.name) }.map(\.target)
      let known = references.filter { isRemote($0.name) }.map(\.target)
      guard try repository.commits(from: tips, notIn: known, limit: 1).isEmpty else { return "" }
      return try repository.status().contains { !parked($0.path) } ? "" : nil
    } catch {
      return "\(error)"
    }
  }

  private static func modules(below directory: FilePath, prefix: String) -> [(String, FilePath)] {
    Files.names(directory).flatMap { name -> [(String, FilePath)] in
      let path = directory.appending(name)
      let nested = modules(below: path.appending("modules"), prefix: prefix + name + "/")
      if Files.exists(path.appending("HEAD")) { return [(prefix + name, path)] + nested }
      return Files.isDirectory(path) ? modules(below: path, prefix: prefix + name + "/") : []
    }
  }
}
