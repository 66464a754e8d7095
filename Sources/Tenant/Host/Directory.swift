import CLinux
import Glibc
package import SystemPackage

/// Looks at directories and makes them.
package enum Directory {
  package static func create(_ path: FilePath, mode: UInt32 = 0o755) throws(HostError) {
    if unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) == 0 { return }
    switch errno {
    case EEXIST:
      guard exists(path) else { throw HostError("create directory", path, errno: ENOTDIR) }
    case ENOENT where !path.removingLastComponent().isEmpty && path.removingLastComponent() != path:
      try create(path.removingLastComponent(), mode: mode)
      guard unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) == 0 || errno == EEXIST else {
        throw .last("create directory", path)
      }
    default: throw .last("create directory", path)
    }
  }

  package static func exists(_ path: FilePath) -> Bool {
    var status = stat()
    return unsafe path.withPlatformString { unsafe stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a directory, dotted ones left out unless asked for, sorted by bytes.
  package static func names(_ path: FilePath, includingHidden: Bool = false) throws(HostError) -> [String] {
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { throw .last("list", path) }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if includingHidden || !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The stems of a collection's files (`asks/*.json` → ids), sorted. An absent directory is an empty collection.
  package static func stems(_ path: FilePath, extension suffix: String) throws(HostError) -> [String] {
    do throws(HostError) {
      return try names(path).compactMap { name in
        name.hasSuffix(".\(suffix)") && name.utf8.count > suffix.utf8.count + 1
          ? String(name.dropLast(suffix.count + 1)) : nil
      }
    } catch {
      if error.isAbsent { return [] }
      throw error
    }
  }

  /// Removes a tree without following links. Absent is fine; the first error is thrown after all else was tried.
  package static func removeTree(_ path: FilePath) throws(HostError) {
    var status = stat()
    guard unsafe path.withPlatformString({ unsafe lstat($0, &status) }) == 0 else {
      if errno == ENOENT { return }
      throw .last("remove", path)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      guard AtomicFile.remove(path) || errno == ENOENT else { throw .last("remove", path) }
      return
    }
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { throw .last("remove", path) }
    var children: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { children.append(name) }
    }
    unsafe closedir(handle)
    var failure: HostError?
    for child in children {
      do throws(HostError) { try removeTree(path.appending(child)) } catch { failure = failure ?? error }
    }
    guard unsafe path.withPlatformString({ unsafe rmdir($0) }) == 0 || errno == ENOENT else {
      throw failure ?? .last("remove", path)
    }
  }
}
