import Glibc
import SystemPackage

extension Directory {
  /// The dotted names that ``names(_:)`` leaves out.
  static func debris(_ path: FilePath) throws(HostError) -> [String] {
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { throw .last("list", path) }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name.hasPrefix("."), name != ".", name != "..", name.hasSuffix(".tmp") { names.append(name) }
    }
    return names
  }
}
