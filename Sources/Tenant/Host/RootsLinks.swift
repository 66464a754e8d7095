import CLinux
import Glibc
package import SystemPackage

/// Names a place by a path on which only such links are followed as root alone could have put there: `/bin`, a home on another
/// disk. Where a tenant may write a directory on the way, a link in it is the tenant's word for where its own guard ends.
package enum RootsLinks {
  /// Opened without effect (`O_PATH`). Fails with `ELOOP` at a link that is not root's.
  package static func open(_ path: FilePath) throws(HostError) -> OwnedDescriptor {
    let straight = unsafe path.withPlatformString { unsafe clinux_open_straight($0, clinux_open_path | O_CLOEXEC) }
    if straight >= 0 { return OwnedDescriptor(owning: straight) }
    // A filter that does not know the call says one of the latter two.
    guard [ELOOP, ENOSYS, EPERM].contains(errno) else { throw .last("open", path) }
    return try walk(path)
  }

  /// What to say where it is one.
  static let refusal =
    "a link is on the way to it that others than root can change (hint: name the place itself in the tenant's "
    + "configuration, or have root make the link where the tenant cannot write)"

  private static let mostLinks = 40

  private static func walk(_ path: FilePath) throws(HostError) -> OwnedDescriptor {
    var rest = [FilePath.Component](path.components.reversed())
    var place = try root()
    // A directory of root's below one of somebody else's may have been put there by a rename.
    var isRoots = true
    var links = 0
    while let name = rest.popLast() {
      let next = unsafe openat(place.raw, name.string, clinux_open_path | O_NOFOLLOW | O_CLOEXEC)
      guard next >= 0 else { throw .last("open", path) }
      let found = OwnedDescriptor(owning: next)
      var status = stat()
      guard unsafe fstat(found.raw, &status) == 0 else { throw .last("open", path) }
      guard status.st_mode & S_IFMT == S_IFLNK else {
        // In a sticky directory nobody else takes root's entries away, and who makes one owns it.
        isRoots = isRoots && status.st_uid == 0 && (status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0)
        place = found
        continue
      }
      links += 1
      guard isRoots, status.st_uid == 0, links <= mostLinks else { throw HostError("open", path, errno: ELOOP) }
      let target = try target(of: found, path)
      if target.isAbsolute { place = try root() }
      rest += target.components.reversed()
    }
    return place
  }

  private static func root() throws(HostError) -> OwnedDescriptor {
    try OwnedDescriptor(opening: "/", clinux_open_path | O_DIRECTORY)
  }

  private static func target(of link: borrowing OwnedDescriptor, _ path: FilePath) throws(HostError) -> FilePath {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe bytes.withUnsafeMutableBytes { room in
      unsafe readlinkat(link.raw, "", room.baseAddress!.assumingMemoryBound(to: CChar.self), room.count)
    }
    guard count > 0 else { throw .last("read the link", path) }
    return FilePath(String(decoding: bytes.prefix(count), as: UTF8.self))
  }
}
