import CLinux
import Dispatch
import Glibc
import SystemPackage
import Tenant

/// Deletes a working tree: on two threads, without following links, through directories that a worker made unwritable.
enum TreeRemoval {
  static func remove(_ path: FilePath) throws(HostError) {
    guard Files.isDirectory(path) else { return try Directory.removeTree(path) }
    let names = Files.names(path)
    let next = Locked(0)
    openUp(path)
    DispatchQueue.concurrentPerform(iterations: names.count > 4 ? 2 : 1) { _ in
      while true {
        let position = next.withLock { value in
          defer { value += 1 }
          return value
        }
        guard position < names.count else { break }
        removeQuietly(path.appending(names[position]))
      }
    }
    // The second pass finds what the quick one could not remove, and says why.
    try Directory.removeTree(path)
  }

  private static func removeQuietly(_ path: FilePath) {
    if unsafe path.withPlatformString({ unsafe unlink($0) }) == 0 { return }
    guard errno == EISDIR || errno == EPERM, Files.isDirectory(path) else { return }
    openUp(path)
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { return }
    let descriptor = unsafe dirfd(handle)
    var directories: [FilePath] = []
    while let entry = unsafe readdir(handle) {
      unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          if unsafe strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
          if unsafe entry.pointee.d_type != UInt8(DT_DIR) && unlinkat(descriptor, name, 0) == 0 { return }
          directories.append(path.appending(unsafe String(cString: name)))
        }
      }
    }
    unsafe closedir(handle)
    for directory in directories { removeQuietly(directory) }
    _ = unsafe path.withPlatformString { unsafe rmdir($0) }
  }

  /// A directory without write permission cannot be emptied; it is ours, so give it back.
  private static func openUp(_ path: FilePath) {
    if let status = Files.status(path), status.st_mode & 0o700 != 0o700 {
      _ = unsafe path.withPlatformString { unsafe chmod($0, 0o700) }
    }
  }
}
