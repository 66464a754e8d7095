import CLinux
import Glibc
import SystemPackage
import Tenant

/// What a worktree holds that git ignores. Files that are ignored one by one (`.env`, a log, a local database) may be work, are
/// few and small, and are kept along with it. A directory that is ignored as a whole (`build/`, `node_modules/`) is
/// results that can be made again: it is named where a person decides, and goes.
struct IgnoredFiles: Hashable, Sendable {
  /// More than this is no settings file and no note.
  static let largest: Int64 = 1 << 20
  static let most = 64

  /// Worth keeping.
  var kept: [FilePath] = []
  /// What goes with the tree, as text.
  var left: [String] = []

  /// `entries` are the ignored ones of the status.
  init(_ entries: [StatusEntry], in worktree: Worktree, tree: FilePath) {
    // Nobody has worked in it: all of them, secrets too, are what a setup that was cut off had made or what was copied for it.
    if SandboxOpening.isPending(worktree) { return }
    let furnished = Furnished.read(worktree)
    var files: [(path: FilePath, size: Int64)] = []
    for entry in entries {
      let place = tree.pushing(entry.path)
      if entry.isDirectory {
        left.append(entry.path.string + "/")
        continue
      }
      guard let status = Files.status(place), furnished[PathText.encode(entry.path)] != Furnished.stamp(status) else {
        continue
      }
      guard [S_IFREG, S_IFLNK].contains(status.st_mode & S_IFMT) else {
        left.append(entry.path.string)
        continue
      }
      files.append((entry.path, Int64(status.st_size)))
    }
    var bytes: Int64 = 0
    for file in files.sorted(by: { ($0.size, $0.path.string) < ($1.size, $1.path.string) }) {
      bytes += file.size
      if bytes <= Self.largest, kept.count < Self.most {
        kept.append(file.path)
      } else {
        left.append(file.path.string)
      }
    }
    left.sort()
  }
}
