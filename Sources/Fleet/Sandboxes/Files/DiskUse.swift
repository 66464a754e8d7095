import CLinux
import Glibc
import SystemPackage
import Tenant

/// What a directory occupies: blocks on the disk, each file once. Links are not followed.
struct DiskUse: Hashable, Sendable {
  var bytes: Int64 = 0
  var files: Int64 = 0
  /// A directory below it that could not be looked into: it occupies more.
  var blind: FilePath?

  static func of(_ path: FilePath) -> DiskUse {
    var use = DiskUse()
    var linked: Set<UInt64> = []
    guard let status = Files.status(path) else { return use }
    use.add(status, &linked)
    guard status.st_mode & S_IFMT == S_IFDIR else { return use }
    let ending = TreeWalk.run(path) { entry in
      if let status = entry.status { use.add(status, &linked) }
      return .enter
    }
    if case .blind(let place) = ending { use.blind = path.pushing(place) }
    return use
  }

  private mutating func add(_ status: stat, _ linked: inout Set<UInt64>) {
    if status.st_nlink > 1, status.st_mode & S_IFMT != S_IFDIR, !linked.insert(UInt64(status.st_ino)).inserted {
      return
    }
    bytes += Int64(status.st_blocks) * 512
    files += 1
  }
}
