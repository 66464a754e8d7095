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

  /// The names in a directory, dotted ones left out unless asked for (never `.` and `..`), sorted by bytes.
  package static func names(_ path: FilePath, includingHidden: Bool = false) throws(HostError) -> [String] {
    var names: [String] = []
    try unsafe forEachName(path) { name in
      let isHidden = unsafe name.first == UInt8(ascii: ".")
      if includingHidden || !isHidden { names.append(unsafe String(decoding: name, as: UTF8.self)) }
    }
    return names.sorted { $0.precedesInBytes($1) }
  }

  /// The names of the directories in a directory, dotted ones left out, sorted by bytes. Most file systems say in the listing
  /// itself what is a directory: of forty files in a control group none need be looked at.
  package static func directoryNames(_ path: FilePath) throws(HostError) -> [String] {
    var names: [String] = []
    try unsafe forEachEntry(path) { name, kind in
      guard unsafe name.first != UInt8(ascii: "."), kind == DT_DIR || kind == DT_UNKNOWN else { return }
      let text = unsafe String(decoding: name, as: UTF8.self)
      if kind == DT_DIR || exists(path.appending(text)) { names.append(text) }
    }
    return names.sorted { $0.precedesInBytes($1) }
  }

  /// The stems of a collection's files (`asks/*.json` → ids), sorted. An absent directory is an empty collection.
  package static func stems(_ path: FilePath, extension suffix: String) throws(HostError) -> [String] {
    try unsortedStems(path, extension: suffix).sorted { $0.precedesInBytes($1) }
  }

  /// For collections that have an order of their own.
  package static func unsortedStems(_ path: FilePath, extension suffix: String) throws(HostError) -> [String] {
    let ending = [UInt8(ascii: ".")] + Array(suffix.utf8)
    var stems: [String] = []
    do throws(HostError) {
      try unsafe forEachName(path) { name in
        guard name.count > ending.count, unsafe name.first != UInt8(ascii: "."),
          unsafe name.suffix(ending.count).elementsEqual(ending)
        else { return }
        stems.append(unsafe String(decoding: name.dropLast(ending.count), as: UTF8.self))
      }
    } catch {
      guard error.isAbsent else { throw error }
    }
    return stems
  }

  private static func forEachName(
    _ path: FilePath, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) throws(HostError) {
    try unsafe forEachEntry(path) { name, _ in unsafe body(name) }
  }

  /// Each name with what the listing says of its kind (`DT_DIR` …).
  private static func forEachEntry(
    _ path: FilePath, _ body: (UnsafeBufferPointer<UInt8>, Int) -> Void
  ) throws(HostError) {
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { throw .last("list", path) }
    defer { unsafe closedir(handle) }
    while let entry = unsafe readdir(handle) {
      let kind = Int(unsafe entry.pointee.d_type)
      unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        let name = unsafe UnsafeRawPointer(field).assumingMemoryBound(to: UInt8.self)
        let bytes = unsafe UnsafeBufferPointer(
          start: name, count: strlen(UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)))
        let isSelfOrParent = unsafe bytes.first == 0x2E && (bytes.count == 1 || (bytes.count == 2 && bytes[1] == 0x2E))
        if !isSelfOrParent { unsafe body(bytes, kind) }
      }
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
    let children = try names(path, includingHidden: true)
    var failure: HostError?
    for child in children {
      do throws(HostError) { try removeTree(path.appending(child)) } catch { failure = failure ?? error }
    }
    guard unsafe path.withPlatformString({ unsafe rmdir($0) }) == 0 || errno == ENOENT else {
      throw failure ?? .last("remove", path)
    }
  }
}
