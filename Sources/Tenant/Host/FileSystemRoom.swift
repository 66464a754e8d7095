import Glibc
package import SystemPackage

package enum FileSystemRoom {
  /// Free bytes for this user on the file system of `path`.
  package static func free(at path: FilePath) -> Int64? {
    var status = statvfs()
    guard unsafe path.withPlatformString({ unsafe statvfs($0, &status) }) == 0 else { return nil }
    return Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
  }
}
