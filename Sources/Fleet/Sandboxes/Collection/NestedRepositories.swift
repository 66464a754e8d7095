import SystemPackage
import Tenant

/// Repositories inside a worktree that no ref of its own repository can hold: submodules, and clones below ignored directories.
enum NestedRepositories {
  /// How far below an ignored directory clones are looked for, and among how many names at most.
  private static let deepest = 6
  private static let most = 20_000

  /// Submodules with changes or commits of their own. They keep their repositories in the worktree's admin directory, so
  /// they go when it goes.
  static func submodulesAtRisk(_ worktree: Worktree) -> [String] {
    modules(below: worktree.directory.appending("modules"), prefix: "").compactMap { name, directory in
      risk(directory).map { $0.isEmpty ? name : "\(name) (\($0))" }
    }
  }

  /// Clones with changes, or commits that none of their remotes has, by their path below `directory`.
  static func atRisk(below directory: FilePath) -> [String] {
    var (budget, found) = (most, [String]())
    search(directory, FilePath(), 0, &budget, &found)
    return found
  }

  private static func search(
    _ directory: FilePath, _ path: FilePath, _ depth: Int, _ budget: inout Int, _ found: inout [String]
  ) {
    let place = directory.pushing(path)
    if Files.exists(place.appending(".git")) {
      if risk(place) != nil { found.append(path.string) }
      return
    }
    guard depth < deepest, budget > 0, let names = try? Files.rawNames(place) else { return }
    budget -= names.count
    for name in names where Files.isDirectory(place.appending(bytes: name)) {
      search(directory, path.appending(bytes: name), depth + 1, &budget, &found)
    }
  }

  /// `nil` where everything is elsewhere as well, "" or why not where it is not. What cannot be read may hold work.
  private static func risk(_ directory: FilePath) -> String? {
    do throws(GitError) {
      let repository = try Repository(opening: directory)
      func isRemote(_ name: String) -> Bool { name.hasPrefix("refs/remotes/") || name.hasPrefix("refs/tags/") }
      let references = try repository.references()
      let tips =
        [try repository.head().commit].compactMap { $0 } + references.filter { !isRemote($0.name) }.map(\.target)
      let known = references.filter { isRemote($0.name) }.map(\.target)
      guard try repository.commits(from: tips, notIn: known, limit: 1).isEmpty else { return "" }
      return try repository.status().isEmpty ? nil : ""
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
