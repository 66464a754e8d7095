import CLinux
import Glibc
import SystemPackage
import Tenant

/// Copies what a sandbox needs and git does not carry (`.env`, local settings): the ignored files of the source's own
/// checkout that its `.worktreeinclude`, or the fleet's configuration, names in the patterns of `.gitignore`. The list is the
/// checkout's, which its owner wrote, not a worker's branch.
enum WorktreeInclude {
  /// Enough for settings; build results are not meant.
  static let largest: Int64 = 64 << 20
  static let most = 10_000

  struct Copied: Hashable, Sendable {
    var files: [String] = []
    var skipped: [String] = []
  }

  /// - `staging`: on the tree's file system; a file stands in the tree when it is whole, also where its copying is cut off.
  static func copy(
    source: FilePath, into tree: FilePath, by staging: FilePath, patterns given: [String]?
  ) throws -> Copied {
    var copied = Copied()
    let repository = try Repository(opening: source)
    // A bare repository has no checkout that anything could be copied from.
    guard let checkout = repository.workDirectory?.lexicallyNormalized() else { return copied }
    let listed = FileReading.of(checkout.appending(".worktreeinclude"), maximumBytes: 1 << 20).text ?? ""
    let patterns = (given?.joined(separator: "\n") ?? listed).split(separator: "\n").map { $0.trimmingSpaces }.filter {
      !$0.isEmpty && !$0.hasPrefix("#")
    }
    guard !patterns.isEmpty else { return copied }
    let wanted = try Pathspec(patterns)
    var bytes: Int64 = 0
    for entry in try repository.status(ignored: true, deep: true) where entry.kinds == [.ignored] && !entry.isDirectory
    {
      guard wanted.matches(entry.path) else { continue }
      guard let status = Files.status(checkout.pushing(entry.path)), status.st_mode & S_IFMT == S_IFREG else {
        continue
      }
      bytes += Int64(status.st_size)
      guard bytes <= largest, copied.files.count < most else {
        copied.skipped.append(entry.path.string)
        continue
      }
      let place = tree.pushing(entry.path)
      // What the branch itself has wins.
      guard !Files.exists(place), !hasLink(entry.path, in: tree) else {
        copied.skipped.append(entry.path.string)
        continue
      }
      try Directory.create(place.removingLastComponent())
      let contents = try FileReading.read(checkout.pushing(entry.path), maximumBytes: Int(largest))
      let aside = staging.appending(Files.uniqueName("included"))
      do {
        try Files.create(contents, at: aside, mode: status.st_mode & 0o777)
        try Files.move(aside, to: place)
      } catch {
        AtomicFile.remove(aside)
        throw error
      }
      copied.files.append(entry.path.string)
    }
    return copied
  }

  /// A link of the branch must not lead the copy elsewhere.
  private static func hasLink(_ path: FilePath, in tree: FilePath) -> Bool {
    var parent = tree
    for component in path.removingLastComponent().components {
      parent.append(component)
      if Files.exists(parent), !Files.isDirectory(parent) { return true }
    }
    return false
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    var rest = self
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest.drop(while: \.isWhitespace))
  }
}
