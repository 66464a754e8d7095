import CLinux
import Glibc
import SystemPackage
import Tenant

/// Files that changed although the index says not to look at them (`--assume-unchanged`, `--skip-worktree`). Status calls
/// such a worktree clean, and removing it would lose them.
enum HiddenChanges {
  static func find(in repository: borrowing Repository, tree: FilePath) throws(GitError) -> [FilePath] {
    var changed: [FilePath] = []
    for (path, id) in try repository.hiddenPaths() {
      let file = tree.pushing(path)
      // Absent is what `--skip-worktree` is for (a sparse checkout); a file that is there must be the one of the index.
      guard let status = Files.status(file) else { continue }
      if status.st_mode & S_IFMT == S_IFREG, try repository.hash(file, as: path) == id { continue }
      changed.append(path)
    }
    return changed
  }
}
