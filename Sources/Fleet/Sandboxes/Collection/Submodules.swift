import SystemPackage
import Tenant

/// Submodules of a worktree keep their repositories in its admin directory, so they go when it goes.
enum Submodules {
  /// Those with changes, or with commits that none of their remote branches has.
  static func atRisk(worktree: Worktree) -> [String] {
    found(below: worktree.directory.appending("modules"), prefix: "").compactMap { name, directory in
      do throws(GitError) {
        let repository = try Repository(opening: directory)
        let references = try repository.references()
        let remote = references.filter { $0.name.hasPrefix("refs/remotes/") || $0.name.hasPrefix("refs/tags/") }
        let local = references.filter { !$0.name.hasPrefix("refs/remotes/") && !$0.name.hasPrefix("refs/tags/") }
        let tips = [try repository.head().commit].compactMap { $0 } + local.map(\.target)
        let own = try repository.commits(from: tips, notIn: remote.map(\.target), limit: 1)
        guard own.isEmpty else { return name }
        return try repository.status().isEmpty ? nil : name
      } catch {
        // What cannot be read may hold work.
        return "\(name) (\(error))"
      }
    }
  }

  private static func found(below directory: FilePath, prefix: String) -> [(String, FilePath)] {
    Files.names(directory).flatMap { name -> [(String, FilePath)] in
      let path = directory.appending(name)
      let nested = found(below: path.appending("modules"), prefix: prefix + name + "/")
      if Files.exists(path.appending("HEAD")) { return [(prefix + name, path)] + nested }
      return Files.isDirectory(path) ? found(below: path, prefix: prefix + name + "/") : []
    }
  }
}
