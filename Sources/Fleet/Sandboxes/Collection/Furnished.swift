import CLinux
import Glibc
import SystemPackage
import Tenant

/// The ignored files that a sandbox was given (`.worktreeinclude`, setup), as they were: not the worker's until it changes them. Remembered before
/// anybody works in it, so all that stand there were given.
enum Furnished {
  static let fileName = "looop.furnished"

  static func remember(_ worktree: Worktree, tree: FilePath) throws {
    let repository = try Repository(opening: tree)
    var stamps: [String: JSON] = [:]
    for entry in try repository.status(ignored: true) where entry.kinds == [.ignored] && !entry.isDirectory {
      guard let status = Files.status(tree.pushing(entry.path)) else { continue }
      stamps[PathText.encode(entry.path)] = .string(stamp(status))
    }
    try Files.write(JSON.object(stamps).compact + "\n", to: worktree.directory.appending(fileName))
  }

  static func read(_ worktree: Worktree) -> [String: String] {
    guard let text = FileReading.of(worktree.directory.appending(fileName), maximumBytes: 8 << 20).text,
      let json = try? JSON(parsing: text)
    else { return [:] }
    return (json.object ?? [:]).compactMapValues(\.string)
  }

  /// Changes with the contents: also with a change that put size and time back.
  static func stamp(_ status: stat) -> String {
    let times = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    return "\(status.st_ino).\(status.st_size)." + times.map { String($0) }.joined(separator: ".")
  }
}
