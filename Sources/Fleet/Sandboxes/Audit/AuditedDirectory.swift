import CLinux
import Glibc
import SystemPackage
import Tenant

/// Which directory a snapshot is of, and when it was taken. Another one in its place is another repository: what was known of the
/// first says nothing about it.
struct AuditedDirectory: Hashable, Sendable {
  var path: FilePath
  var inode: Int64
  /// Numbers of devices, and the clock, begin anew with each boot.
  var device: Int64
  var bootID: String
  /// Seconds since then: of two answers that cross each other the later one counts.
  var taken: Double

  /// As it is now. A link at its path is followed, as git does.
  init(at path: FilePath) throws(HostError) {
    let descriptor = try OwnedDescriptor(opening: path, O_RDONLY | O_DIRECTORY)
    var status = stat()
    guard unsafe fstat(descriptor.raw, &status) == 0 else { throw .last("look at", path) }
    self.path = path
    inode = Int64(bitPattern: UInt64(status.st_ino))
    device = Int64(bitPattern: UInt64(status.st_dev))
    bootID = ProcessIdentity.currentBootID
    taken = HostClock.system.sinceBoot()
  }

  func isSame(as other: AuditedDirectory) -> Bool {
    path == other.path && inode == other.inode && (device == other.device || bootID != other.bootID)
  }

  var json: JSON {
    [
      "path": .string(path.string), "inode": .int(inode), "device": .int(device), "boot_id": .string(bootID),
      "taken_s": .double(taken),
    ]
  }

  init?(json: JSON) {
    guard let path = json["path"]?.string, let inode = json["inode"]?.int, let device = json["device"]?.int,
      let boot = json["boot_id"]?.string, let taken = json["taken_s"]?.double
    else { return nil }
    (self.path, self.inode, self.device, bootID, self.taken) = (FilePath(path), inode, device, boot, taken)
  }
}
