import CLinux
import Glibc
package import SystemPackage
import Tenant

/// A tenant's data dir, made when the tenant is added, and given to the tenant's user. What is missing above it is made too, and stays
/// ours; below a directory that others can write to, root makes nothing but the last part.
package enum TenantPlace {
  /// false: it was there.
  package static func make(_ path: FilePath, user: String?) throws -> Bool {
    var owner: (uid: UInt32, gid: UInt32)?
    if let user, geteuid() == 0 {
      owner = UserLookup.systemUser(named: user)
      guard owner != nil else {
        throw FleetRefusal(
          .notFound, "the tenant is added, but there is no user \(Display.line(user)) yet",
          hint: "useradd --system --create-home \(Display.line(user)), then looop-fleet reload")
      }
    }
    try makeAbove(path)
    if unsafe path.withPlatformString({ unsafe mkdir($0, 0o700) }) != 0 {
      if errno == EEXIST { return false }
      throw HostError.last("make the data dir", path)
    }
    guard let owner else { return true }
    // Through the descriptor, and only what is still ours: nobody can put a link in its place in between.
    let directory = try OwnedDescriptor(
      opening: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, operation: "open the data dir")
    var status = stat()
    guard unsafe fstat(directory.raw, &status) == 0, status.st_uid == 0 else {
      throw HostError("give the data dir to its user", path, errno: EPERM)
    }
    guard fchown(directory.raw, owner.uid, owner.gid) == 0 else {
      throw HostError.last("give the data dir to its user", path)
    }
    return true
  }

  private static func makeAbove(_ path: FilePath) throws {
    var there = path.removingLastComponent()
    var missing: [FilePath] = []
    while !there.isEmpty, !Directory.exists(there), there != there.removingLastComponent() {
      missing.append(there)
      there = there.removingLastComponent()
    }
    guard !missing.isEmpty else { return }
    if geteuid() == 0 {
      var status = stat()
      guard unsafe there.withPlatformString({ unsafe stat($0, &status) }) == 0, status.st_uid == 0,
        status.st_mode & 0o022 == 0
      else {
        throw FleetRefusal(
          .conflict,
          "the tenant is added, but \(path.removingLastComponent()) is not there, and \(there) is not root's alone",
          hint: "make the data dir \(path) as its user, then looop-fleet reload")
      }
    }
    for directory in missing.reversed() {
      // Said twice: the umask takes from the first, and the tenant has to pass.
      let made = unsafe directory.withPlatformString { unsafe mkdir($0, 0o755) == 0 && chmod($0, 0o755) == 0 }
      guard made || errno == EEXIST else { throw HostError.last("make the directory", directory) }
    }
  }
}
