import Glibc
import SystemPackage

/// Finds processes that work in a directory: by their working directory, root, program or open files. What another
/// user's processes do cannot be seen, and they could not write there either.
///
/// Whoever gives a sandbox back waits for this, on a machine with thousands of open files: no path is made into text unless it
/// is one of those looked for.
enum TreeUsers {
  static func find(in tree: FilePath) -> [String] {
    let wanted = PathText.bytes(tree)
    var found: [String] = []
    for name in Files.names("/proc") {
      guard let pid = Int32(name), pid != getpid() else { continue }
      let process = FilePath("/proc").appending(name)
      if uses(process, wanted) {
        found.append("process \(pid) (\(Files.line(process.appending("comm")) ?? "?"))")
      }
    }
    return found
  }

  private static func uses(_ process: FilePath, _ wanted: [UInt8]) -> Bool {
    let directory = unsafe process.withPlatformString { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard directory >= 0 else { return false }
    defer { close(directory) }
    // The program and the places first: two or three looks instead of hundreds.
    if unsafe leadsInside(directory, "cwd", wanted) { return true }
    if unsafe leadsInside(directory, "root", wanted) { return true }
    if unsafe leadsInside(directory, "exe", wanted) { return true }
    let descriptors = unsafe openat(directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptors >= 0 else { return false }
    guard let handle = unsafe fdopendir(descriptors) else {
      close(descriptors)
      return false
    }
    defer { unsafe closedir(handle) }
    while let entry = unsafe readdir(handle) {
      let isInside = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe leadsInside(descriptors, $0, wanted)
        }
      }
      if isInside { return true }
    }
    return false
  }

  /// Whether a link of `/proc` names the directory or something below it.
  private static func leadsInside(_ directory: CInt, _ name: UnsafePointer<CChar>, _ wanted: [UInt8]) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: wanted.count + 1) { buffer in
      let count = unsafe readlinkat(directory, name, buffer.baseAddress!, buffer.count)
      guard count >= wanted.count, unsafe memcmp(buffer.baseAddress!, wanted, wanted.count) == 0 else { return false }
      return unsafe count == wanted.count || buffer[wanted.count] == CChar(bitPattern: UInt8(ascii: "/"))
    }
  }
}
