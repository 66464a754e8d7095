import CLinux
import Glibc
import SystemPackage
import Tenant

/// A file's bytes where the kernel has them: a large one costs neither memory nor a copy. For files that nobody shortens meanwhile.
@safe
struct MappedFile: ~Copyable {
  // SAFETY: mapped from init to deinit, and read only.
  private let address: UnsafeMutableRawPointer?
  private let size: Int

  init(_ path: FilePath) throws(HostError) {
    let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw .last("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw HostError("read", path, errno: EINVAL) }
    let length = Int(status.st_size)
    let mapped = unsafe length == 0 ? nil : mmap(nil, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.raw, 0)
    if unsafe mapped == MAP_FAILED { throw .last("map", path) }
    unsafe address = unsafe mapped
    size = length
  }

  deinit { if unsafe address != nil { unsafe munmap(address, size) } }

  /// Not longer than the file is mapped.
  var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: address, count: size) }
}
