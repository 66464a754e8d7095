import CLinux
import Glibc
import SystemPackage
import Tenant

/// Room that is set aside beside the ledger, and given up when nothing else is left: the books can go on while whoever filled the disk is
/// held still. (ext4 keeps some for root anyway; xfs, btrfs and a plain user's fleet have only this.)
struct DiskReserve: Hashable, Sendable {
  /// Days of a busy fleet's books.
  static let bytes: Int64 = 32 << 20

  let file: FilePath

  /// Given up below its own size, and made again where it takes nothing from what is to stay free.
  func follow(free: Int64, floor: Int64) throws(HostError) {
    if free < Self.bytes { return try giveUp() }
    if free >= max(floor, Self.bytes) + Self.bytes { try make() }
  }

  private func make() throws(HostError) {
    var status = stat()
    if unsafe file.withPlatformString({ unsafe lstat($0, &status) }) == 0, status.st_size >= Self.bytes { return }
    let descriptor = try OwnedDescriptor(
      opening: file, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600, operation: "set room aside")
    let failure = posix_fallocate(descriptor.raw, 0, off_t(Self.bytes))
    guard failure == 0 else {
      try giveUp()
      throw HostError("set room aside", file, errno: failure)
    }
  }

  private func giveUp() throws(HostError) {
    guard unsafe file.withPlatformString({ unsafe unlink($0) }) == 0 || errno == ENOENT else {
      throw .last("give room up", file)
    }
  }
}
