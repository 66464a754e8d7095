import CLinux
import Glibc
package import SystemPackage
import Tenant

/// A tenant's data dir, made when the tenant is added. Only the last part of the path is made, and given to the tenant's user.
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
}
