import Glibc
package import SystemPackage

/// Publishes a whole file or nothing: temporary name in the same directory, write, mode, fsync, rename, fsync of the
/// directory. A crash at any line leaves the old file, and at most a dotted leftover that no listing shows.
package enum AtomicFile {
  package static func write(_ text: String, to path: FilePath, mode: UInt32 = 0o644) throws(HostError) {
    try write(Array(text.utf8), to: path, mode: mode)
  }

  package static func write(_ bytes: [UInt8], to path: FilePath, mode: UInt32 = 0o644) throws(HostError) {
    let temporary = try stage(bytes, beside: path, suffix: ".tmp", mode: mode)
    guard rename(from: temporary, to: path) == 0 else {
      let error = HostError.last("replace", path)
      remove(temporary)
      throw error
    }
    try synchronizeDirectory(path.removingLastComponent())
  }

  /// Creates the file only if there is none: of N racers exactly one gets `true`.
  package static func create(_ bytes: [UInt8], at path: FilePath, mode: UInt32 = 0o644) throws(HostError) -> Bool {
    let temporary = try stage(bytes, beside: path, suffix: ".excl.tmp", mode: mode)
    defer { remove(temporary) }
    let result = unsafe temporary.withPlatformString { from in
      unsafe path.withPlatformString { to in unsafe link(from, to) }
    }
    if result != 0 {
      if errno == EEXIST { return false }
      throw .last("create", path)
    }
    try synchronizeDirectory(path.removingLastComponent())
    return true
  }

  /// Removes a file; an absent one is fine.
  @discardableResult
  package static func remove(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe unlink($0) } == 0
  }

  package static func rename(from: FilePath, to: FilePath) -> CInt {
    unsafe from.withPlatformString { source in
      unsafe to.withPlatformString { target in unsafe Glibc.rename(source, target) }
    }
  }

  private static func stage(
    _ bytes: [UInt8], beside path: FilePath, suffix: String, mode: UInt32
  ) throws(HostError) -> FilePath {
    let name = path.lastComponent?.string ?? "file"
    let unique = UInt32.random(in: 0 ... .max)
    let temporary = path.removingLastComponent()
      .appending(".\(name).\(getpid()).\(time(nil)).\(unique)\(suffix)")
    do throws(HostError) {
      let file = try OwnedDescriptor(opening: temporary, O_WRONLY | O_CREAT | O_EXCL, operation: "write")
      try file.writeAll(bytes, path)
      guard fchmod(file.raw, mode) == 0, fsync(file.raw) == 0 else { throw .last("write", path) }
      try file.closeChecked(path)
    } catch {
      remove(temporary)
      throw HostError(error.operation, path, errno: error.errno)
    }
    return temporary
  }

  package static func synchronizeDirectory(_ path: FilePath) throws(HostError) {
    let directory = try OwnedDescriptor(
      opening: path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY, operation: "synchronize")
    guard fsync(directory.raw) == 0 else { throw .last("synchronize", path) }
  }
}
